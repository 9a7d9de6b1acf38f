"""Where sounds really begin and end: CTC only says in which order they come, and about where.

A CTC network names a sound for a frame or two, somewhere in it, and is silent otherwise. Between what it names, the signal itself
tells where one sound turns into the next: the stretches are chosen so that each is as even as can be, its frames as near as
possible to their mean. Svendsen and Soong, "On the automatic segmentation of speech signals", ICASSP 1987, cut speech into an
unknown number of such stretches; here their number, order and rough place are known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speechrnn.decoding.greedy import Path

FEATURES = 20
"""Of the frames' cosine transform, the first so many are compared: the shape of the spectrum without its harmonics."""
REACH_S = 1.5
"""How far a sound reaches beyond where the network names it, at most."""
PAUSE_S = 0.1
"""Shortest pause between two words: what is shorter may be the closure of a stop."""


def durations(
    path: Path,
    words: Sequence[tuple[str, int, int]],
    frames: np.ndarray,
    quiet: np.ndarray,
    factor: int,
    hop_s: float,
    delay: float = 0.0,
) -> np.ndarray:
    """First frame and frame after the last of each token of an aligned path, in frames of the front-end.

    Sounds of a word follow each other without a gap; between words there may be pauses, and a word does not go beyond them. Word
    boundaries get what is between the words.

    Args:
        path: L tokens on encoder frames.
        words: each word's tokens, from index to index (exclusive), as in :class:`~speechrnn.decoding.forced.Laid`.
        frames: of the front-end, shape (T, F).
        quiet: bool, shape (T,): where there may be a pause.
        factor: front-end frames per encoder frame.
        hop_s: seconds between two front-end frames.
        delay: front-end frames by which what an encoder frame tells of lies before it.

    Returns:
        int64, shape (L, 2).
    """
    from speechrnn.decoding.durations_kernels import best_bounds

    spoken = np.array([index for _, first, last in words for index in range(first, last)], np.int64)
    begins = np.isin(spoken, [first for _, first, _ in words])
    middles = (path.starts[spoken] + path.ends[spoken]) * factor / 2 - 0.5 - delay
    compared = _smooth_spectrum(frames)
    counted = np.concatenate([[0], np.cumsum(quiet[: len(frames)])]).astype(np.int64)
    reach, least = round(REACH_S / hop_s), max(1, round(PAUSE_S / hop_s))
    charge = _noise(compared) * least
    anchors = _rising(middles, len(frames))
    gaps = _gaps(anchors, begins, quiet[: len(frames)], least)
    found = best_bounds(compared, anchors, begins, gaps, counted, reach, least, charge)
    bounds = np.zeros((len(path), 2), np.int64)
    bounds[spoken] = found
    for index in np.setdiff1d(np.arange(len(path)), spoken):
        # The word before it is there, and so is the one behind it: boundaries stand between words only.
        bounds[index] = bounds[index - 1, 1], bounds[index + 1, 0] if index + 1 < len(path) else bounds[index - 1, 1]
    return bounds


def _gaps(anchors: np.ndarray, begins: np.ndarray, quiet: np.ndarray, least: int) -> np.ndarray:
    """The first and the last run of ``least`` or more quiet frames between words, as the search takes them, (L + 1, 4)."""
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
    runs = edges[edges[:, 1] - edges[:, 0] >= least]
    after = np.concatenate([[-1], anchors])
    upto = np.concatenate([anchors, [len(quiet)]])
    gaps = np.full((len(anchors) + 1, 4), -1, np.int64)
    if not len(runs):
        return gaps
    one = np.searchsorted(runs[:, 0], after, side="right")
    other = np.searchsorted(runs[:, 1], upto, side="right") - 1
    there = (one <= other) & np.append(begins, True)
    gaps[there] = np.concatenate([runs[one[there]], runs[other[there]]], axis=1)
    return gaps


def _smooth_spectrum(frames: np.ndarray) -> np.ndarray:
    """The first coefficients of an orthonormal cosine transform over the features, less their mean; float64, shape (T, <= 20)."""
    size = frames.shape[1]
    k = np.arange(min(FEATURES, size))[None]
    basis = np.cos(np.pi * (np.arange(size)[:, None] + 0.5) * k / size) * np.where(k, 2 / size, 1 / size) ** 0.5
    found: np.ndarray = frames @ basis
    found -= found.mean(0)
    return found


def _noise(frames: np.ndarray) -> float:
    """How much a frame (T, F) differs from its neighbour, in the median: what is even still has so much scatter."""
    return float(np.median(((frames[1:] - frames[:-1]) ** 2).sum(1))) / 2 if len(frames) > 1 else 0.0


def _rising(middles: np.ndarray, n_frames: int) -> np.ndarray:
    """Whole frames inside [0, n_frames), each above the one before, near ``middles``."""
    places = np.arange(len(middles))
    rounded = np.clip(np.round(middles).astype(np.int64), 0, n_frames - 1)
    up = np.maximum.accumulate(rounded - places) + places
    return np.minimum(up, n_frames - len(middles) + places)
