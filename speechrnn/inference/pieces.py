"""Posteriors of any length are decoded piece by piece, so that an hour needs no more memory and no more search than a minute.

A piece ends in the first pause after ``LEAST_S``, or, where there is none until ``MOST_S``, in the longest pause between the
two. Where pieces end depends on the posteriors alone, not on the parts they arrive in: a stream is cut like a file.
Recordings up to ``LEAST_S`` are one piece. What depends on what was written before it, by a transducer, is cut at the end of the
pause or after ``MOST_S``: nothing that was written already is read again from another beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from speechrnn.text.tokenizer import BLANK, SPACE

LEAST_S, MOST_S = 30.0, 60.0
"""Shortest and longest piece (s); the last may be shorter."""
PAUSE_S = 0.5
"""A pause: so long neither letter nor phone."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Log posteriors (T, K) of a stretch that is decoded at once, and its first frame in the recording."""

    start: int
    log_probs: np.ndarray


class Cutter:
    """Cuts log posteriors that arrive in parts.

    Args:
        frame_shift: seconds between two frames.
        tokens: of the model; where the blank or the word boundary is the best of them, there is silence.
        quiet: which frames are silent, (T, J) to bool (T,), where they are no log posteriors.
        carries: what is written depends on what was written before.
    """

    def __init__(
        self,
        frame_shift: float,
        tokens: Sequence[str],
        quiet: Callable[[np.ndarray], np.ndarray] | None = None,
        *,
        carries: bool = False,
    ) -> None:
        self._least = round(LEAST_S / frame_shift)
        self._most = round(MOST_S / frame_shift)
        self._pause = max(round(PAUSE_S / frame_shift), 1)
        self._quiet = quiet or (lambda log_probs: silence(log_probs, tokens))
        self._carries = carries
        self._parts: list[np.ndarray] = []
        self._runs: list[int] = []
        self.start = 0
        """First frame of the piece that is open."""

    @property
    def open(self) -> np.ndarray:
        """Log posteriors (T, K) since the last cut."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0] if self._parts else np.zeros((0, 0), np.float32)

    def cut(self, parts: Iterable[np.ndarray]) -> Iterator[Piece]:
        """The pieces of a recording that is all there, in parts (T, K)."""
        for part in parts:
            yield from self.feed(part)
        yield from self.finish()

    def feed(self, log_probs: np.ndarray) -> Iterator[Piece]:
        """The pieces that a part (T, K) completes."""
        self._parts.append(log_probs)
        # Frames of silence up to and with each frame.
        run = self._runs[-1] if self._runs else 0
        for quiet in self._quiet(log_probs) if len(log_probs) else ():
            run = run + 1 if quiet else 0
            self._runs.append(run)
        while (cut := self._cut()) is not None:
            whole = self.open
            yield Piece(self.start, whole[:cut])
            self._parts = [whole[cut:]]
            # A run that began before the cut begins there now.
            self._runs = [min(run, place + 1) for place, run in enumerate(self._runs[cut:])]
            self.start += cut

    def finish(self) -> Iterator[Piece]:
        """The last piece, where there is one."""
        if len(self.open):
            yield Piece(self.start, self.open)

    def _cut(self) -> int | None:
        """Where the open piece ends (frame, exclusive), as far as that is known yet."""
        runs = np.array(self._runs[self._least : self._most])
        pauses = np.flatnonzero(runs >= self._pause)
        if len(pauses):
            return self._least + int(pauses[0]) + 1 - (0 if self._carries else self._pause // 2)
        if len(self._runs) < self._most:
            return None
        if self._carries:
            return self._most
        # The end of the longest run, the last of several: its middle lies half of it before.
        place = len(runs) - 1 - int(runs[::-1].argmax())
        return self._least + place + 1 - int(runs[place]) // 2


def silence(log_probs: np.ndarray, tokens: Sequence[str]) -> np.ndarray:
    """In which frames of log posteriors (T, K) the blank or the word boundary is best, bool (T,)."""
    # Of numbers that are none the first counts as the best: the blank.
    return np.isin(log_probs.argmax(-1), [index for index, token in enumerate(tokens) if token in (BLANK, SPACE)])
