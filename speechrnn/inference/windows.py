"""A long recording read by a network that needs both directions: overlapping windows whose edge frames are discarded.

A bidirectional network would have to hold the whole recording. Its frames depend on sound seconds away only weakly, so the
middle frames of a window equal those of the whole closely; docs/long-audio.md has the figures. Every window begins at a
whole encoder frame, so the frames of all windows lie on the grid of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Windows:
    """A window of ``size`` encoder frames, of which ``overlap`` at either inner edge are discarded.

    Attributes:
        size: encoder frames.
        overlap: encoder frames; less than half of ``size``.
        step: samples from one encoder frame to the next.
        hop: samples from one front-end frame to the next.
        margin: samples that the last front-end frame reaches beyond its own hop.
        first: frames discarded at the inner edge of the first window besides; it shifts all others.
    """

    size: int
    overlap: int
    step: int
    hop: int
    margin: int
    first: int = 0

    @property
    def samples(self) -> int:
        """Samples of a window."""
        return self.size * self.step + self.margin

    def stitch(
        self, blocks: Iterable[np.ndarray], run: Callable[[list[np.ndarray]], list[np.ndarray]], batch: int
    ) -> Iterator[np.ndarray]:
        """Log posteriors of a recording, in parts (T, K) that follow each other.

        Args:
            blocks: the recording's samples, each (S,).
            run: windows of samples, each (S,), to their log posteriors (T, K).
            batch: windows that go through the network at once.
        """
        waiting: list[tuple[np.ndarray, int, int | None]] = []
        for window in self._cut(blocks):
            waiting.append(window)
            if len(waiting) == batch:
                yield from _kept(waiting, run)
                waiting = []
        yield from _kept(waiting, run)

    def _cut(self, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int, int | None]]:
        """Samples of each window, and which of its frames are kept: from, to (exclusive; ``None``: all that follow)."""
        samples = np.zeros(0, np.float32)
        begin = 0
        for block in blocks:
            samples = np.concatenate([samples, block])
            # One front-end frame more than the window holds: the window is not the last.
            while len(samples) >= self.samples + self.hop:
                end = self.size - self.overlap - (0 if begin else self.first)
                yield samples[: self.samples].copy(), begin, end
                samples = samples[(end - self.overlap) * self.step :]
                begin = self.overlap
        yield samples, begin, None


def _kept(
    windows: list[tuple[np.ndarray, int, int | None]], run: Callable[[list[np.ndarray]], list[np.ndarray]]
) -> Iterator[np.ndarray]:
    """The frames of some windows that are kept, each (T, K)."""
    if windows:
        for log_probs, (_, begin, end) in zip(run([samples for samples, _, _ in windows]), windows, strict=True):
            yield log_probs[begin:end]
