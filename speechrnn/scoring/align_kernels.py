"""The inner loops of the edit distance. Import inside functions."""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel

MATCH, SUBSTITUTION, DELETION, INSERTION = 0, 1, 2, 3


@kernel
def _next_row(row: np.ndarray, symbol: int, hypothesis: np.ndarray, width: int, steps: np.ndarray) -> None:
    """Turn the costs of one reference position into those of the next, in place.

    Args:
        row: int32, shape (M + 1,): least cost of reaching each hypothesis position.
        symbol: the reference symbol that is read.
        hypothesis: int32, shape (M,).
        width: hypothesis positions that matter, at most M.
        steps: int8, shape (M + 1,): filled with the last step of the best path to each position.
    """
    diagonal = row[0]
    row[0] += 1
    steps[0] = DELETION
    for j in range(1, width + 1):
        matches = symbol == hypothesis[j - 1]
        substituted = diagonal if matches else diagonal + 1
        deleted = row[j] + 1
        inserted = row[j - 1] + 1
        diagonal = row[j]
        if substituted < inserted and substituted < deleted:
            row[j] = substituted
            steps[j] = MATCH if matches else SUBSTITUTION
        elif deleted < inserted:
            row[j] = deleted
            steps[j] = DELETION
        else:
            row[j] = inserted
            steps[j] = INSERTION


@kernel
def trace(reference: np.ndarray, hypothesis: np.ndarray) -> np.ndarray:
    """Steps of a cheapest path, first to last.

    Memory stays near M * sqrt(N): cost rows are kept at every sqrt(N)-th reference position, and the steps between two of them
    are computed a second time on the way back.

    Args:
        reference: int32, shape (N,).
        hypothesis: int32, shape (M,).

    Returns:
        int8: MATCH, SUBSTITUTION, DELETION or INSERTION.
    """
    n, m = len(reference), len(hypothesis)
    height = max(64, int(np.sqrt(n)) + 1)
    n_blocks = (n + height - 1) // height
    steps = np.empty((height, m + 1), np.int8)
    row = np.arange(m + 1).astype(np.int32)
    kept = np.empty((n_blocks, m + 1), np.int32)
    for block in range(n_blocks):
        kept[block] = row
        if block < n_blocks - 1:
            for i in range(block * height, (block + 1) * height):
                _next_row(row, reference[i], hypothesis, m, steps[0])

    path = np.empty(n + m, np.int8)
    length = 0
    i, j = n, m
    for block in range(n_blocks - 1, -1, -1):
        first = block * height
        row = kept[block]
        for k in range(first, i):
            _next_row(row, reference[k], hypothesis, j, steps[k - first])
        while i > first:
            step = steps[i - first - 1, j]
            path[length] = step
            length += 1
            if step != INSERTION:
                i -= 1
            if step != DELETION:
                j -= 1
    path[length : length + j] = INSERTION
    return path[: length + j][::-1].copy()


@kernel
def least_cost(reference: np.ndarray, hypothesis: np.ndarray, costs: np.ndarray) -> float:
    """Cost of a cheapest alignment where a substitution costs what a table says, an insertion or a deletion 1.

    Args:
        reference: int64, shape (N,): rows of ``costs``.
        hypothesis: int64, shape (M,): columns of ``costs``.
        costs: float64, shape (K, K).
    """
    row = np.arange(len(hypothesis) + 1).astype(np.float64)
    for symbol in reference:
        diagonal = row[0]
        row[0] += 1.0
        for j in range(1, len(hypothesis) + 1):
            least = min(row[j] + 1.0, row[j - 1] + 1.0, diagonal + costs[symbol, hypothesis[j - 1]])
            diagonal = row[j]
            row[j] = least
    return float(row[-1])
