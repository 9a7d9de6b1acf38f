"""What is greatest, in what order. Import inside functions.

NumPy's own ``partition`` and ``argsort`` would do, but inside a compiled loop they compile for seconds each: of a beam search that
is compiled in 23 seconds they took eight.
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel

BINS = 512
"""Into so many equal parts values are sorted to find one by its rank."""
RUN = 32
"""Rows that are sorted by insertion before they are merged."""


@kernel
def nth_greatest(values: np.ndarray, n: int) -> float:
    """The n-th greatest of some values, 1 <= n <= their number.

    Counted into bins first, so that only the bin it falls into is searched: a comparison whose outcome cannot be foretold takes
    longer than a count.
    """
    least, most = np.inf, -np.inf
    for value in values:
        most = max(most, value)
        if value > -np.inf:
            least = min(least, value)
    # Of values as far apart as numbers can be, or as close, all are in one bin.
    scale = BINS / (most - least) if 1e-300 < most - least < np.inf else 0.0
    counts = np.zeros(BINS + 1, np.int64)
    for value in values:
        if value > -np.inf:
            counts[_bin(value, least, scale)] += 1
    chosen, wanted = BINS, n - 1
    while chosen >= 0 and wanted >= counts[chosen]:
        wanted -= counts[chosen]
        chosen -= 1
    if chosen < 0:
        return -np.inf
    room = np.empty(counts[chosen])
    found = 0
    for value in values:
        if value > -np.inf and _bin(value, least, scale) == chosen:
            room[found] = value
            found += 1
    _select(room, wanted)
    return float(room[wanted])


@kernel
def _bin(value: float, least: float, scale: float) -> int:
    """Rises with the value, whatever the rounding."""
    return int((value - least) * scale) if scale > 0 else 0


@kernel
def _select(room: np.ndarray, wanted: int) -> None:
    """Bring the value that is ``wanted``, from 0, in falling order to its place (quickselect: Hoare 1961)."""
    low, high = 0, len(room) - 1
    while low < high:
        pivot = room[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while room[i] > pivot:
                i += 1
            while room[j] < pivot:
                j -= 1
            if i <= j:
                room[i], room[j] = room[j], room[i]
                i += 1
                j -= 1
        # Between the two stands what equals the pivot.
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break


@kernel
def sort_falling(rows: np.ndarray, scores: np.ndarray) -> None:
    """Sort rows by their scores, in place; equal ones keep their order (merge sort)."""
    n = len(rows)
    for start in range(0, n, RUN):
        for i in range(start + 1, min(start + RUN, n)):
            row = rows[i]
            place = i
            while place > start and scores[rows[place - 1]] < scores[row]:
                rows[place] = rows[place - 1]
                place -= 1
            rows[place] = row
    merged = np.empty_like(rows)
    width = RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            i, j = start, middle
            for k in range(start, end):
                if i < middle and (j == end or scores[rows[i]] >= scores[rows[j]]):
                    merged[k] = rows[i]
                    i += 1
                else:
                    merged[k] = rows[j]
                    j += 1
        for k in range(n):
            rows[k] = merged[k]
        width *= 2
