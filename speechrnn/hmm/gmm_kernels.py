"""Compiled loops over frames and the Gaussians of their states.

Gaussians of all states stand one after the other: those of state s are ``first[s]`` to ``first[s + 1]`` (exclusive).
``precisions`` are inverse variances, ``constants`` the logarithms of weight and normalization.
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel, reordered

NEGLIGIBLE = -16.0
"""Nats below the best Gaussian of a state from which on one adds nothing that float32 would show."""


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
def distance(frame: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> float:
    """Square of how many deviations a frame (D,) is from a Gaussian's mean; most of the time of training is spent here."""
    total = 0.0
    for d in range(len(frame)):
        away = frame[d] - mean[d]
        total += away * away * precision[d]
    return total


@kernel
def shares(
    frame: np.ndarray, low: int, high: int, means: np.ndarray, precisions: np.ndarray, constants: np.ndarray, out: np.ndarray
) -> float:
    """Posteriors of the Gaussians low to high (exclusive) given a frame, into ``out``; returns the log likelihood of their sum."""
    most = -np.inf
    for g in range(low, high):
        score = constants[g] - 0.5 * distance(frame, means[g], precisions[g])
        out[g - low] = score
        most = max(most, score)
    total = 0.0
    for i in range(high - low):
        below = out[i] - most
        out[i] = np.exp(below) if below > NEGLIGIBLE else 0.0
        total += out[i]
    for i in range(high - low):
        out[i] /= total
    found: float = most + np.log(total)
    return found


@kernel
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
    """Add frames (T, D), each with its state (T,), to the sums of the Gaussians; returns their log likelihood."""
    room = np.empty(np.max(first[1:] - first[:-1]))
    total = 0.0
    for t in range(len(frames)):
        low, high = first[states[t]], first[states[t] + 1]
        total += shares(frames[t], low, high, means, precisions, constants, room)
        for g in range(low, high):
            share = room[g - low]
            if share > 1e-4:
                counts[g] += share
                for d in range(frames.shape[1]):
                    weighted = share * frames[t, d]
                    sums[g, d] += weighted
                    squares[g, d] += weighted * frames[t, d]
    return total


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
