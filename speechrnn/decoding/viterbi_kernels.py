"""The inner loops over one given symbol sequence: its best alignment and its probability. Import inside functions.

A sequence of L symbols has S = 2 L + 1 states: blank, symbol, blank, … blank (Graves et al. 2006).
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel

_TINY = 1e-290
_LOG_TINY = float(np.log(_TINY))
_MARGIN = 40.0
"""Nats by which a result must exceed what each of 10^10 states at most has lost for its seventh digit to be right."""


@kernel
def best_path(log_probs: np.ndarray, ids: np.ndarray, width: int) -> tuple[np.ndarray, float]:
    """The likeliest alignment within a band of states that follows the best state.

    Memory is T * width / 4 bytes. With ``width`` >= S nothing is left out.

    Args:
        log_probs: float32, shape (T, K), blank first.
        ids: int64, shape (L,).
        width: states of the band.

    Returns:
        The state of each frame, int64, shape (T,), and the log probability of the path; -inf, and no path to rely on, where the
        band missed the end or the sequence does not fit into T frames.
    """
    n_frames = len(log_probs)
    n_states = 2 * len(ids) + 1
    width = min(width, n_states)
    # What the band knows of a frame: its first state, and for each state whence it came, two bits each.
    firsts = np.zeros(n_frames, np.int64)
    moves = np.zeros((n_frames, (width + 3) // 4), np.uint8)
    row = np.full(width, -np.inf)
    ahead = np.empty(width)
    first = 0
    row[0] = log_probs[0, 0]
    if n_states > 1:
        row[1] = log_probs[0, ids[0]]
    for t in range(1, n_frames):
        frame = log_probs[t]
        best = 0
        for s in range(1, width):
            if row[s] > row[best]:
                best = s
        shift = min(max(best - width // 2, 0), n_states - width - first)
        first += shift
        firsts[t] = first
        for s in range(width):
            state = first + s
            old = s + shift
            score = row[old] if old < width else -np.inf
            move = 0
            if 0 <= old - 1 < width and row[old - 1] > score:
                score, move = row[old - 1], 1
            symbol = 0
            if state % 2:
                symbol = ids[state // 2]
                # Past a blank only to another symbol.
                if 0 <= old - 2 < width and row[old - 2] > score and (state == 1 or symbol != ids[state // 2 - 1]):
                    score, move = row[old - 2], 2
            ahead[s] = score + frame[symbol]
            moves[t, s // 4] |= np.uint8(move << (2 * (s % 4)))
        row, ahead = ahead, row
    path = np.empty(n_frames, np.int64)
    state = n_states - 1
    last = width - 1
    if first + width < n_states:
        return path, -np.inf
    if n_states > 1 and row[last - 1] > row[last]:
        last, state = last - 1, state - 1
    total = row[last]
    if total == -np.inf:
        return path, total
    for t in range(n_frames - 1, -1, -1):
        path[t] = state
        s = state - firsts[t]
        state -= (moves[t, s // 4] >> (2 * (s % 4))) & 3
    return path, total


@kernel
def scaled_log_probability(probs: np.ndarray, ids: np.ndarray) -> float:
    """The same as :func:`log_probability`, from probabilities (T, K), by products in place of logarithms: ten times as fast.

    Each frame is scaled to sum to one. Where a state that is 10^-290 times less likely than others is lost, and could still have
    counted in the end, the result is -inf: only logarithms can tell then.
    """
    n_states = 2 * len(ids) + 1
    row = np.zeros(n_states)
    row[0] = 1.0
    total, lost = 0.0, -np.inf
    for t in range(len(probs)):
        frame = probs[t]
        mass = 0.0
        for state in range(n_states - 1, -1, -1):
            value = row[state] if t or state == 0 else 0.0
            if state and (t or state == 1):
                value += row[state - 1]
            symbol = 0
            if state % 2:
                symbol = ids[state // 2]
                if t and state > 1 and symbol != ids[state // 2 - 1]:
                    value += row[state - 2]
            row[state] = value * frame[symbol]
            if row[state] < _TINY and value > 0.0:
                # No more than this is lost here, and at most all of it reaches the end.
                lost = max(lost, total + _LOG_TINY)
            mass += row[state]
        if mass == 0.0:
            return -np.inf
        total += np.log(mass)
        for state in range(n_states):
            row[state] /= mass
    last = row[-1] + row[-2] if n_states > 1 else row[0]
    if last <= 0.0:
        return -np.inf
    found = total + np.log(last)
    return float(found) if found > lost + _MARGIN else -np.inf


@kernel
def log_probability(log_probs: np.ndarray, ids: np.ndarray) -> float:
    """Log probability of a sequence (L,) under log posteriors (T, K), summed over all its alignments."""
    n_states = 2 * len(ids) + 1
    row = np.full(n_states, -np.inf)
    row[0] = 0.0
    for t in range(len(log_probs)):
        frame = log_probs[t]
        # From the last state down, so that what is read is still the frame before.
        for state in range(n_states - 1, -1, -1):
            total = row[state] if t or state == 0 else -np.inf
            if state and (t or state == 1):
                total = np.logaddexp(total, row[state - 1])
            symbol = 0
            if state % 2:
                symbol = ids[state // 2]
                if t and state > 1 and symbol != ids[state // 2 - 1]:
                    total = np.logaddexp(total, row[state - 2])
            row[state] = total + frame[symbol]
    return float(np.logaddexp(row[-1], row[-2])) if n_states > 1 else float(row[0])
