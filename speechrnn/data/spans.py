"""Alignments as spans of time, and the times of frames."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np

from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError

TOLERANCE_S = 0.05
"""What an alignment may end after, or (of states, which leave no gaps) before its audio: windows and hops differ by less."""
Span: TypeAlias = tuple[float, float, str]
"""Start and end (s, half-open) and label."""


class Grid(Protocol):
    """Frames of a front-end, in samples; see :class:`speechrnn.features.framing.FrameGrid`."""

    @property
    def size(self) -> int:
        """Of a window."""

    @property
    def hop(self) -> int:
        """From one to the next."""


def spans_of(utterance: Utterance, level: str) -> list[Span]:
    """An utterance's alignment of one level, in order of time.

    Raises:
        DataError: there is none; spans overlap; it is longer, or of states shorter, than the audio.
    """
    items = utterance.alignment.get(level, ())
    if not items:
        raise DataError(f"{utterance.id} has no alignment of level {level!r}", "align it, or leave it out")
    spans = sorted((item.start, item.end, item.symbol) for item in items)
    end = spans[-1][1]
    if end > utterance.duration + TOLERANCE_S or (level == "state" and end < utterance.duration - TOLERANCE_S):
        raise DataError(
            f"{utterance.id}: its {level}s end at {end:.3f} s, its audio at {utterance.duration:.3f} s",
            "labels and audio do not belong together: align anew",
        )
    for (_, before, _), (after, _, symbol) in itertools.pairwise(spans):
        if after < before - 1e-4:
            raise DataError(
                f"{utterance.id}: {level} {symbol!r} begins at {after:.3f} s, before the end of the one before ({before:.3f} s)",
                "a frame has one label: correct the alignment",
            )
    return spans


def label_times(sampling_rate: int, grid: Grid, factor: int) -> Callable[[int], np.ndarray]:
    """Middles (s) of the encoder frames made of so many front-end frames.

    Args:
        sampling_rate: Hz.
        grid: of the front-end.
        factor: front-end frames an encoder frame.
    """
    size, hop = grid.size, grid.hop
    # A front-end frame speaks for the hop around the middle of its window.
    first = (size - hop) / 2 + factor * hop / 2

    def times(n_frames: int) -> np.ndarray:
        return np.asarray((first + factor * hop * np.arange(-(-n_frames // factor))) / sampling_rate)

    return times
