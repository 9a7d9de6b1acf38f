"""Where a long recording pauses, by its level alone: what lies between two pauses is heard like a recording of its own.

A bidirectional network that has learned from single utterances puts their first and last letters anywhere into the silence
around them, and runs sentences together, when it hears minutes at once. Cut in its pauses, a long recording is what it knows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

SILENCE_DB = -100.0
"""Below this a recording is silent: the last bit of 16 moves more."""
HOP_S = 0.01
"""Seconds a level stands for, but for a rest of a sample: see :func:`hop_seconds`."""
PAUSE_S = 0.5
"""Shortest pause that is cut."""
MARGIN_S = 0.25
"""Kept of a pause at either side."""
ABOVE_FLOOR_DB = 12.0
"""How far above the quietest fifth of a second around it a pause may lie."""
BELOW_TOP_DB = 12.0
"""How far below the recording's loud parts a pause has to lie: steady loud sound, as of singing, is none."""
AROUND_S = 3.0
"""How far the quietest fifth of a second is looked for."""
BELOW_SPEECH_DB = 25.0
"""How far below the loudest within ``NEAR_S`` nobody speaks, however quiet it gets elsewhere: for short pauses."""
NEAR_S = 1.0
"""How far the loudest is looked for."""


def levels(blocks: Iterable[np.ndarray], rate: int) -> np.ndarray:
    """Levels (dB) of every ``HOP_S`` of a recording in blocks (S,) at ``rate`` (Hz), without its direct current; float32, (N,)."""
    hop = _hop(rate)
    rest = np.zeros(0, np.float32)
    found = []
    for block in blocks:
        samples = np.concatenate([rest, block])
        whole = len(samples) // hop * hop
        found.append(samples[:whole].reshape(-1, hop).var(axis=1, dtype=np.float32))
        rest = samples[whole:]
    return 10 * np.log10(np.concatenate([*found, np.zeros(0, np.float32)]) + 1e-12)


def _hop(rate: int) -> int:
    return max(round(HOP_S * rate), 2)


def hop_seconds(rate: int) -> float:
    """What a level stands for exactly: whole samples, at 22,050 Hz a little less than 10 ms."""
    return _hop(rate) / rate


def quiet_runs(levels: np.ndarray, least_s: float, *, near: bool = False) -> list[tuple[int, int]]:
    """First hop and hop after the last of each run in which nobody speaks, from levels (N,) in dB.

    All of a recording that is silent is one.

    Args:
        levels: as :func:`levels` tells them.
        least_s: shortest run.
        near: what is far below the speech around it is quiet, too: that finds pauses whose noise changes, as where recordings
            are joined, and takes some weak ends of words for pauses.
    """
    top = float(np.percentile(levels, 95)) if len(levels) else -np.inf
    if top < SILENCE_DB:
        return [(0, len(levels))]
    clipped = np.maximum(levels, top - 60)
    quiet = _smooth(clipped, 0.05) < np.minimum(_floor(_smooth(clipped, 0.2)) + ABOVE_FLOOR_DB, top - BELOW_TOP_DB)
    if near:
        quiet |= _smooth(clipped, 0.05) < _loudest(_smooth(clipped, 0.05)) - BELOW_SPEECH_DB
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).tolist()
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if (b - a) * HOP_S >= least_s]


def stretches(levels: np.ndarray, hop_s: float = HOP_S) -> list[tuple[float, float]]:
    """Start and end (s) of what lies between pauses, from levels (N,) in dB, one each ``hop_s``; none of a silent recording."""
    pauses = quiet_runs(levels, PAUSE_S)
    if pauses == [(0, len(levels))] or not len(levels):
        return []
    # The end is open: up to a hop more than the levels tell.
    starts = [0.0, *(b * hop_s - MARGIN_S for _, b in pauses)]
    stops = [*(a * hop_s + MARGIN_S for a, _ in pauses), (len(levels) + 1) * hop_s]
    # A pause at the very beginning or end leaves nothing but its margin there.
    return [(a, b) for a, b in zip(starts, stops, strict=True) if b - a > MARGIN_S + 2 * HOP_S]


def _smooth(levels: np.ndarray, seconds: float) -> np.ndarray:
    """Moving mean of levels (N,)."""
    size = round(seconds / HOP_S)
    padded = np.pad(levels, (size // 2, (size - 1) // 2), mode="edge")
    return np.convolve(padded, np.ones(size, np.float32) / size, mode="valid")


def _loudest(levels: np.ndarray) -> np.ndarray:
    """The highest of levels (N,) within ``NEAR_S``."""
    reach = round(NEAR_S / HOP_S)
    padded = np.pad(levels, reach, mode="edge")
    highest: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)
    return highest


def _floor(levels: np.ndarray) -> np.ndarray:
    """The lowest of levels (N,) within about ``AROUND_S``."""
    size = round(0.5 / HOP_S)
    bins = np.pad(levels, (0, -len(levels) % size), mode="edge").reshape(-1, size).min(1)
    reach = round(AROUND_S / 0.5)
    padded = np.pad(bins, reach, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(1)
    return np.repeat(lowest, size)[: len(levels)]
