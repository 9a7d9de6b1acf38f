"""Compiled loops over frames and the Gaussians of their states.

Gaussians of all states stand one after the other: those of state s are ``first[s]`` to ``first[s + 1]`` (exclusive).
``precisions`` are inverse variances, ``constants`` the logarithms of weight and normalization.
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel, reordered

NEGLIGIBLE = -16.0
"""Nats below the best Gaussian of a state from which on one adds nothing that float32 would show."""
SHEET = 64
"""Frames of a state that are compared with its Gaussians together, at most."""


@kernel
def below_best(components: np.ndarray, first: np.ndarray, best: np.ndarray) -> None:
    """Log likelihoods of Gaussians (T, G) to how far they are below the best of their state, which goes into ``best`` (T, S)."""
    for t in range(len(components)):
        row = components[t]
        for s in range(len(first) - 1):
            most = row[first[s]]
            for g in range(first[s] + 1, first[s + 1]):
                most = max(most, row[g])
            for g in range(first[s], first[s + 1]):
                row[g] -= most
            best[t, s] = most


@kernel
def sum_by_state(likelihoods: np.ndarray, first: np.ndarray, sums: np.ndarray) -> None:
    """Likelihoods of Gaussians (T, G) to the sums of their states, into ``sums`` (T, S)."""
    for t in range(len(likelihoods)):
        row = likelihoods[t]
        for s in range(len(first) - 1):
            total = np.float32(0.0)
            for g in range(first[s], first[s + 1]):
                total += row[g]
            sums[t, s] = total


@reordered
def shares(
    frame: np.ndarray, low: int, high: int, means: np.ndarray, precisions: np.ndarray, constants: np.ndarray, out: np.ndarray
) -> float:
    """Posteriors of the Gaussians low to high (exclusive) given a frame, into ``out``; returns the log likelihood of their sum."""
    # Numbers of the frame's precision: others would widen all that they meet.
    zero, half = frame.dtype.type(0.0), frame.dtype.type(0.5)
    most = frame.dtype.type(-np.inf)
    for g in range(low, high):
        # Not a function of its own: slices of the arrays would take longer than the sum.
        distance = zero
        for d in range(len(frame)):
            away = frame[d] - means[g, d]
            distance += away * away * precisions[g, d]
        out[g - low] = constants[g] - half * distance
        most = max(most, out[g - low])
    total = zero
    for i in range(high - low):
        below = out[i] - most
        out[i] = np.exp(below) if below > NEGLIGIBLE else zero
        total += out[i]
    for i in range(high - low):
        out[i] /= total
    found: float = most + np.log(total)
    return found


@reordered
def compare(
    sheet: np.ndarray,
    n: int,
    low: int,
    high: int,
    means: np.ndarray,
    precisions: np.ndarray,
    constants: np.ndarray,
    odds: np.ndarray,
    best: np.ndarray,
    total: np.ndarray,
) -> None:
    """The first n frames of a sheet (D, SHEET) by the Gaussians low to high (exclusive).

    Args:
        odds: shape (high - low or more, SHEET): gets their likelihoods, relative to that of the best for the frame.
        best, total: shape (SHEET,): get the best one's log likelihood, and the sum of the relative ones.
    """
    zero, half = sheet.dtype.type(0.0), sheet.dtype.type(0.5)
    best[:n] = -np.inf
    for g in range(low, high):
        row = odds[g - low]
        row[:n] = zero
        for d in range(len(sheet)):
            mean, precision, values = means[g, d], precisions[g, d], sheet[d]
            for j in range(n):
                away = values[j] - mean
                row[j] += away * away * precision
        for j in range(n):
            row[j] = constants[g] - half * row[j]
            best[j] = max(best[j], row[j])
    total[:n] = zero
    for i in range(high - low):
        row = odds[i]
        for j in range(n):
            below = row[j] - best[j]
            row[j] = np.exp(below) if below > NEGLIGIBLE else zero
            total[j] += row[j]


@reordered
def accumulate(
    frames: np.ndarray,
    states: np.ndarray,
    first: np.ndarray,
    means: np.ndarray,
    precisions: np.ndarray,
    constants: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> float:
    """Add frames (T, D), each with its state (T,), to the sums of the Gaussians; returns their log likelihood.

    Frames of a state are taken together, up to ``SHEET`` of them: their Gaussians stay at hand, and one instruction serves several
    frames. Computed in the precision of the frames, added up in that of the sums.
    """
    dims, n_states = frames.shape[1], len(first) - 1
    # A counting sort: where frames of each state begin, and which they are.
    begins = np.zeros(n_states + 1, np.int64)
    for state in states:
        begins[state + 1] += 1
    for s in range(n_states):
        begins[s + 1] += begins[s]
    order, free = np.empty(len(frames), np.int64), begins[:-1].copy()
    for t in range(len(frames)):
        order[free[states[t]]] = t
        free[states[t]] += 1
    sheet, squared = np.zeros((dims, SHEET), frames.dtype), np.zeros((dims, SHEET), frames.dtype)
    odds = np.empty((np.max(first[1:] - first[:-1]), SHEET), frames.dtype)
    best, total = np.empty(SHEET, frames.dtype), np.empty(SHEET, frames.dtype)
    zero = frames.dtype.type(0.0)
    found = 0.0
    for s in range(n_states):
        low, high = first[s], first[s + 1]
        for start in range(begins[s], begins[s + 1], SHEET):
            n = min(SHEET, begins[s + 1] - start)
            # Filled up to a multiple of eight by frames that count nothing: what is left over is done one by one.
            full = (n + 7) // 8 * 8
            for j in range(n):
                frame = frames[order[start + j]]
                for d in range(dims):
                    sheet[d, j] = frame[d]
                    squared[d, j] = frame[d] * frame[d]
            compare(sheet, full, low, high, means, precisions, constants, odds, best, total)
            for j in range(n):
                found += best[j] + np.log(total[j])
                total[j] = 1.0 / total[j]
            total[n:full] = zero
            for g in range(low, high):
                row = odds[g - low]
                count = zero
                for j in range(full):
                    row[j] *= total[j]
                    count += row[j]
                counts[g] += count
                for d in range(dims):
                    values, others = sheet[d], squared[d]
                    once, twice = zero, zero
                    for j in range(full):
                        once += row[j] * values[j]
                        twice += row[j] * others[j]
                    sums[g, d] += once
                    squares[g, d] += twice
    return found


@kernel
def pull(
    frames: np.ndarray,
    states: np.ndarray,
    first: np.ndarray,
    means: np.ndarray,
    precisions: np.ndarray,
    constants: np.ndarray,
    weights: np.ndarray,
    targets: np.ndarray,
) -> float:
    """How hard and where to each frame's Gaussians pull it: sums over them of posterior times precision, into ``weights`` (T, D),
    and of posterior times precision times mean, into ``targets`` (T, D); returns the log likelihood."""
    room = np.empty(np.max(first[1:] - first[:-1]))
    total = 0.0
    for t in range(len(frames)):
        low, high = first[states[t]], first[states[t] + 1]
        total += shares(frames[t], low, high, means, precisions, constants, room)
        for g in range(low, high):
            share = room[g - low]
            if share > 1e-4:
                for d in range(frames.shape[1]):
                    weighted = share * precisions[g, d]
                    weights[t, d] += weighted
                    targets[t, d] += weighted * means[g, d]
    return total
