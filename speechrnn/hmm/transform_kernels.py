"""The compiled loop of a speaker's transform."""

from __future__ import annotations

import math

import numpy as np

from speechrnn.jit import kernel


@kernel
def products(frames: np.ndarray, out: np.ndarray) -> None:
    """Products of each two dimensions of frames (T, D), as np.triu_indices has them, into ``out`` (T or more, D (D + 1) / 2)."""
    for t in range(len(frames)):
        frame, row = frames[t], out[t]
        free = 0
        for i in range(len(frame)):
            for j in range(i, len(frame)):
                row[free] = frame[i] * frame[j]
                free += 1


@kernel
def better_rows(
    matrix: np.ndarray,
    inverse: np.ndarray,
    inverses: np.ndarray,
    fits: np.ndarray,
    linear: np.ndarray,
    moments: np.ndarray,
    count: float,
) -> None:
    """Replace one row of a speaker's transform (D, D + 1) after the other by the best beside the rest (Gales 1998).

    Args:
        matrix: the transform, changed in place.
        inverse: of its square part, shape (D, D), changed with it.
        inverses: of ``moments``, shape (D, D + 1, D + 1).
        fits: ``inverses`` times ``linear``, shape (D, D + 1).
        linear, moments, count: see :class:`speechrnn.hmm.transforms.Fmllr`.
    """
    dims, wide = matrix.shape
    back, row, best, change, column = np.empty(wide), np.empty(wide), np.empty(wide), np.empty(dims), np.empty(dims)
    for i in range(dims):
        # Cofactors of the row, up to a factor that does not matter.
        column[:] = inverse[:, i]
        e1, e2 = 0.0, 0.0
        for j in range(wide):
            total = 0.0
            for k in range(dims):
                total += inverses[i, j, k] * column[k]
            back[j] = total
            if j < dims:
                e1 += column[j] * total
                e2 += column[j] * fits[i, j]
        # The row is fits + a * back; a solves count / (column . row) = a, a quadratic with two roots.
        root = math.sqrt(e2 * e2 + 4 * e1 * count)
        best[:] = matrix[i]
        best_value = -np.inf
        for sign in (1.0, -1.0):
            a = (sign * root - e2) / (2 * e1)
            row[:] = fits[i] + a * back
            volume, value = 0.0, 0.0
            for j in range(wide):
                pulled = 0.0
                for k in range(wide):
                    pulled += moments[i, j, k] * row[k]
                value += row[j] * (linear[i, j] - 0.5 * pulled)
                if j < dims:
                    volume += column[j] * row[j]
            value += count * math.log(max(abs(volume), 1e-300))
            if value > best_value:
                best_value = value
                best[:] = row
        # A new row is a change of rank one (Sherman and Morrison 1950).
        for k in range(dims):
            total = 0.0
            for j in range(dims):
                total += (best[j] - matrix[i, j]) * inverse[j, k]
            change[k] = total
        scale = 1.0 + change[i]
        for j in range(dims):
            for k in range(dims):
                inverse[j, k] -= column[j] * change[k] / scale
        matrix[i] = best
