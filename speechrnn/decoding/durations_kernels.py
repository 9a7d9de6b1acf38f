"""The inner loop of finding where sounds begin and end. Import inside functions."""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel


@kernel
def _scatter(sums: np.ndarray, squares: np.ndarray, start: int, end: int) -> float:
    """How far the frames from ``start`` to ``end`` (exclusive) lie from their mean, squared and summed."""
    if end <= start:
        return 0.0
    total = squares[end] - squares[start]
    for f in range(sums.shape[1]):
        part = sums[end, f] - sums[start, f]
        total -= part * part / (end - start)
    return float(total)


@kernel
def best_bounds(
    frames: np.ndarray,
    anchors: np.ndarray,
    pauses: np.ndarray,
    gaps: np.ndarray,
    quiet: np.ndarray,
    reach: int,
    least: int,
    charge: float,
) -> np.ndarray:
    """Start and end (exclusive) of each of L sounds, so that each stretch is as even as can be.

    Dynamic programming over the frames between anchors. What lies before the first and behind the last sound, and a pause, is a
    stretch of its own. A sound beside a pause does not go beyond it, whatever lies there: a click in a pause belongs to nobody.

    Args:
        frames: float64, shape (T, F).
        anchors: int64, shape (L,), rising: a frame that belongs to each sound.
        pauses: bool, shape (L,): there may be a pause before a sound.
        gaps: int64, shape (L + 1, 4): start and end of the first, and of the last run of quiet frames between the anchor before
            (none before the first sound) and the sound's own (none behind the last), -1 where there is none.
        quiet: int64, shape (T + 1,): quiet frames before each frame, counted; a pause holds no other, but between two runs.
        reach: frames that a sound goes beyond its anchor at most; what is farther is a pause in any case.
        least: frames of the shortest pause.
        charge: what a pause costs.

    Returns:
        int64, shape (L, 2).
    """
    n_frames, n_features = frames.shape
    n = len(anchors)
    sums, squares = np.zeros((n_frames + 1, n_features)), np.zeros(n_frames + 1)
    for t in range(n_frames):
        squares[t + 1] = squares[t]
        for f in range(n_features):
            sums[t + 1, f] = sums[t, f] + frames[t, f]
            squares[t + 1] += frames[t, f] * frames[t, f]
    # Sound i begins in [first[i], anchors[i]] and ends in [anchors[i] + 1, last[i]].
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        first[i] = max(anchors[i - 1] + 1 if i else 0, anchors[i] - reach)
        if gaps[i, 2] >= 0:
            first[i] = max(first[i], gaps[i, 2])
        last[i] = min(anchors[i + 1] if i + 1 < n else n_frames, anchors[i] + 1 + reach)
        if gaps[i + 1, 1] >= 0:
            last[i] = min(last[i], gaps[i + 1, 1])
    before = max(gaps[0, 2], 0)
    behind = gaps[n, 1] if gaps[n, 1] >= 0 else n_frames
    width = reach + 1
    begun, ended = np.empty(width), np.empty(width)
    # For each end the start that serves it best, and for each start the end before it.
    starts, ends = np.zeros((n, width), np.int32), np.zeros((n, width), np.int32)
    for i in range(n):
        # Farther apart than sounds reach, and not because of quiet runs: then between them may lie anything.
        far = i > 0 and last[i - 1] < first[i]
        far = far and (gaps[i, 0] < 0 or last[i - 1] < gaps[i, 0] or first[i] > gaps[i, 3])
        for s in range(first[i], anchors[i] + 1):
            k = s - first[i]
            if i == 0:
                begun[k] = _scatter(sums, squares, before, s)
                continue
            begun[k], low = np.inf, anchors[i - 1] + 1
            if s <= last[i - 1]:
                begun[k], ends[i, k] = ended[s - low], s
            if pauses[i] or far:
                for e in range(low, min(last[i - 1], s - least) + 1):
                    if far or quiet[s] - quiet[e] == s - e:
                        cost = ended[e - low] + _scatter(sums, squares, e, s) + charge
                    elif gaps[i, 0] >= 0 and gaps[i, 0] <= e and s <= gaps[i, 3]:
                        # Quiet, something, quiet: by the limits above e lies in the first run and s in the last.
                        cost = ended[e - low] + charge
                        cost += _scatter(sums, squares, e, gaps[i, 1]) + _scatter(sums, squares, gaps[i, 2], s)
                    else:
                        continue
                    if cost < begun[k]:
                        begun[k], ends[i, k] = cost, e
            if begun[k] == np.inf and far:
                begun[k], ends[i, k] = ended[last[i - 1] - low] + charge, last[i - 1]
        for e in range(anchors[i] + 1, last[i] + 1):
            k = e - anchors[i] - 1
            ended[k] = np.inf
            for s in range(first[i], anchors[i] + 1):
                cost = begun[s - first[i]] + _scatter(sums, squares, s, e)
                if cost < ended[k]:
                    ended[k], starts[i, k] = cost, s
    best, end = np.inf, last[n - 1]
    for e in range(anchors[n - 1] + 1, last[n - 1] + 1):
        cost = ended[e - anchors[n - 1] - 1] + _scatter(sums, squares, e, behind)
        if cost < best:
            best, end = cost, e
    bounds = np.empty((n, 2), np.int64)
    for i in range(n - 1, -1, -1):
        bounds[i, 1] = end
        bounds[i, 0] = starts[i, end - anchors[i] - 1]
        end = ends[i, bounds[i, 0] - first[i]]
    return bounds
