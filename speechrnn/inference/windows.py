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
        first: frames the first window gives up besides; shifts all others, so that one can see what they change.
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

    def stitch(self, blocks: Iterable[np.ndarray], run: Callable[[np.ndarray], np.ndarray]) -> Iterator[np.ndarray]:
        """Log posteriors of a recording, in parts (T, K) that follow each other.

        Args:
            blocks: the recording's samples, each (S,).
            run: a window's samples (S,) to its log posteriors (T, K).
        """
        for samples, begin, end in self._cut(blocks):
            yield run(samples)[begin:end]

    def _cut(self, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int, int | None]]:
        """Samples of each window, and which of its frames are kept: from, to (exclusive; ``None``: all that follow)."""
        samples = np.zeros(0, np.float32)
        begin = 0
        for block in blocks:
            samples = np.concatenate([samples, block])
            # One front-end frame more than the window holds: the window is not the last.
            while len(samples) >= self.samples + self.hop:
                end = self.size - self.overlap - (0 if begin else self.first)
                yield samples[: self.samples], begin, end
                samples = samples[(end - self.overlap) * self.step :]
                begin = self.overlap
        yield samples, begin, None
