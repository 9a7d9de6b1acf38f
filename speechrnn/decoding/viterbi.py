"""Forced alignment: where in the posteriors a given symbol sequence lies, and how likely it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from speechrnn.decoding.greedy import Path

EXACT_BYTES = 64_000_000
"""Up to this much memory the best alignment is found exactly; longer recordings are searched in a band."""
MOST_BYTES = 512_000_000
"""No band takes more: a text that is not what is spoken would need all states, and is not worth them."""
BAND = 1024
"""States of the first band: 512 symbols, half a minute of fast speech."""


def align(log_probs: np.ndarray, ids: Sequence[int] | np.ndarray) -> tuple[Path, float] | None:
    """The likeliest alignment of symbols (L,) with log posteriors (T, K), as a path and its log probability.

    A symbol's confidence is its highest posterior over its frames. The alignment is exact where its table fits into
    ``EXACT_BYTES``; beyond, a band of states follows the best one, and is widened until the result stops getting better or
    ``MOST_BYTES`` are reached, so memory is linear in time.

    Returns:
        None where the symbols do not fit into the frames.
    """
    from speechrnn.decoding.viterbi_kernels import best_path

    ids = np.asarray(ids, np.int64)
    n_frames, n_states = len(log_probs), 2 * len(ids) + 1
    if n_frames < len(ids) + int((ids[1:] == ids[:-1]).sum()):
        return None
    if not n_frames:
        return Path(ids, ids, ids, np.zeros(0)), 0.0
    log_probs = np.ascontiguousarray(log_probs, np.float32)
    width = n_states if n_frames * n_states // 4 <= EXACT_BYTES else BAND
    states, total = best_path(log_probs, ids, width)
    most = max(BAND, 4 * MOST_BYTES // n_frames)
    # A band that missed the end has found nothing: then it is widened, whatever it takes.
    while width < n_states and (width < most or total == -math.inf):
        width = min(4 * width, n_states)
        before = total
        states, total = best_path(log_probs, ids, width)
        if total == before > -math.inf:
            break
    return _path(log_probs, ids, states), float(total)


def _path(log_probs: np.ndarray, ids: np.ndarray, states: np.ndarray) -> Path:
    """The frames of each symbol."""
    spoken = np.flatnonzero(states % 2)
    owner = states[spoken] // 2
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    starts = spoken[first]
    ends = spoken[np.append(first[1:], len(spoken)) - 1] + 1 if len(spoken) else starts
    highest = np.maximum.reduceat(log_probs[spoken, ids[owner]], first) if len(spoken) else np.zeros(0)
    return Path(ids, starts, ends, np.minimum(np.exp(highest.astype(np.float64)), 1.0))


def log_probability(log_probs: np.ndarray, ids: Sequence[int] | np.ndarray) -> float:
    """Log probability of symbols (L,) under log posteriors (T, K), summed over all alignments."""
    from speechrnn.decoding import viterbi_kernels

    ids = np.asarray(ids, np.int64)
    found = viterbi_kernels.scaled_log_probability(np.exp(log_probs.astype(np.float64)), ids)
    return found if found > -math.inf else viterbi_kernels.log_probability(np.ascontiguousarray(log_probs, np.float32), ids)
