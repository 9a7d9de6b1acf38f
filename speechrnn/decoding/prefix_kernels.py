"""Compiled loops of :mod:`speechrnn.decoding.prefixes`."""

from __future__ import annotations

import math

import numpy as np

from speechrnn.jit import inlined, kernel


@inlined
def _add(a: float, b: float) -> float:
    """Logarithm of a sum."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


@kernel
def grown(log_probs: np.ndarray, forward: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Log probabilities (n, K) that what is said begins with a prefix and one more token; -inf for the blank.

    Args:
        log_probs: of CTC, (T, K).
        forward: of each prefix, (n, T + 1, 2), see :class:`speechrnn.decoding.prefixes.Prefixes`.
        last: its last token, (n,); 0 where it is empty.
    """
    n_frames, n_tokens = log_probs.shape
    found = np.full((len(last), n_tokens), -math.inf)
    for i in range(len(last)):
        for t in range(n_frames):
            spoken, silent = forward[i, t, 0], forward[i, t, 1]
            either = _add(spoken, silent)
            if either == -math.inf:
                continue
            for token in range(1, n_tokens):
                # The same token twice needs a blank between.
                before = silent if token == last[i] else either
                found[i, token] = _add(found[i, token], before + log_probs[t, token])
    return found


@kernel
def advance(log_probs: np.ndarray, forward: np.ndarray, last: np.ndarray, rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The forward log probabilities (m, T + 1, 2) of prefixes ``rows`` (m,) with ``tokens`` (m,) added."""
    n_frames = len(log_probs)
    found = np.full((len(rows), n_frames + 1, 2), -math.inf)
    for j in range(len(rows)):
        i, token = rows[j], tokens[j]
        for t in range(n_frames):
            silent = forward[i, t, 1]
            before = silent if token == last[i] else _add(forward[i, t, 0], silent)
            found[j, t + 1, 0] = _add(found[j, t, 0], before) + log_probs[t, token]
            found[j, t + 1, 1] = _add(found[j, t, 0], found[j, t, 1]) + log_probs[t, 0]
    return found
