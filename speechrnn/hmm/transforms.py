"""Linear transforms of the frames: LDA, MLLT, fMLLR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_CHANGE_FRAMES = 300.0
"""A speaker of fewer frames is not adapted to."""


def deltas(frames: np.ndarray, order: int = 2, window: int = 2) -> np.ndarray:
    """Frames (T, D) with their regression slopes and those of the slopes (Furui 1986): (T, (order + 1) * D).

    The first and the last frame stand for what is beyond the ends.
    """
    parts = [np.asarray(frames, np.float32)]
    scale = 2.0 * sum(k * k for k in range(1, window + 1))
    for _ in range(order):
        padded = _extended(parts[-1], window)
        n = len(frames)
        slope = sum(
            (k / scale) * (padded[window + k : window + k + n] - padded[window - k : window - k + n]) for k in range(1, window + 1)
        )
        parts.append(np.asarray(slope, np.float32))
    return np.concatenate(parts, 1)


def splice(frames: np.ndarray, context: int) -> np.ndarray:
    """Each frame with ``context`` neighbours on either side, (T, D) -> (T, (2 * context + 1) * D); ends are repeated."""
    padded = _extended(np.asarray(frames, np.float32), context)
    return np.concatenate([padded[k : k + len(frames)] for k in range(2 * context + 1)], 1)


def _extended(frames: np.ndarray, by: int) -> np.ndarray:
    """Frames (T, D) with the first and the last one repeated ``by`` times, (T + 2 * by, D)."""
    # As np.pad does, which takes longer than all the rest and keeps other threads from working meanwhile.
    extended: np.ndarray = frames[np.arange(-by, len(frames) + by).clip(0, len(frames) - 1)]
    return extended


@dataclass(eq=False)
class ClassScatter:
    """What LDA needs: counts (S,) and sums (S, D) of each class, and the sum of all outer products (D, D)."""

    counts: np.ndarray
    sums: np.ndarray
    outer: np.ndarray

    @classmethod
    def empty(cls, classes: int, dims: int) -> ClassScatter:
        """Nothing seen."""
        return cls(np.zeros(classes), np.zeros((classes, dims)), np.zeros((dims, dims)))

    def add(self, frames: np.ndarray, classes: np.ndarray) -> None:
        """Count in frames (T, D), each of a class (T,)."""
        wide = frames.astype(np.float64)
        self.counts += np.bincount(classes, minlength=len(self.counts))
        member = np.zeros((len(self.counts), len(classes)))
        member[classes, np.arange(len(classes))] = 1.0
        self.sums += member @ wide
        self.outer += wide.T @ wide

    def join(self, other: ClassScatter) -> ClassScatter:
        """Add what another has seen; returns itself."""
        self.counts += other.counts
        self.sums += other.sums
        self.outer += other.outer
        return self

    def lda(self, dims: int) -> np.ndarray:
        """The projection (dims, D) that tells the classes apart best (Fisher 1936; Haeb-Umbach and Ney 1992).

        Frames of a class then have unit variance without correlation, directions with the largest ratio of variance between classes
        to variance within them come first.
        """
        total = self.counts.sum()
        mean = self.sums.sum(0) / total
        seen = self.counts > 0
        class_means = self.sums[seen] / self.counts[seen, None] - mean
        between = (class_means.T * self.counts[seen]) @ class_means / total
        within = self.outer / total - np.outer(mean, mean) - between
        values, vectors = np.linalg.eigh(within)
        whiten = (vectors / np.sqrt(np.maximum(values, 1e-8 * values.max()))).T
        ratios, directions = np.linalg.eigh(whiten @ between @ whiten.T)
        order = np.argsort(-ratios)[:dims]
        projection: np.ndarray = directions[:, order].T @ whiten
        return projection


def second_moments(weights: np.ndarray, frames: np.ndarray, block: int = 128) -> np.ndarray:
    """Sums over t of weights[t, i] * outer(frames[t], frames[t]): weights (T, I), frames (T, D) -> (I, D, D).

    The products of a block of frames stay in the cache.
    """
    from speechrnn.hmm.transform_kernels import products

    dims = frames.shape[1]
    rows, columns = np.triu_indices(dims)
    packed = np.zeros((weights.shape[1], len(rows)))
    room = np.empty((block, len(rows)))
    for start in range(0, len(frames), block):
        part = frames[start : start + block]
        products(part, room)
        packed += weights[start : start + block].T @ room[: len(part)]
    full = np.zeros((weights.shape[1], dims, dims))
    full[:, rows, columns] = packed
    full[:, columns, rows] = packed
    return full


def mllt(moments: np.ndarray, count: float, rounds: int = 50) -> tuple[np.ndarray, float]:
    """The square transform after which diagonal Gaussians fit best (Gales 1999, semi-tied covariances; Gopinath 1998).

    Args:
        moments: shape (D, D, D): for each dimension i, frames' deviations from their Gaussians' means, as outer products weighted
            by posterior and by the Gaussians' precision in i.
        count: frames.

    Returns:
        The matrix (D, D) to multiply frames and means with, and by how much it raises the log likelihood of a frame.
    """
    dims = len(moments)
    matrix = np.eye(dims)
    inverses = np.linalg.inv(moments)

    def objective(a: np.ndarray) -> float:
        return float(np.linalg.slogdet(a)[1] - 0.5 * np.einsum("ij,ijk,ik->", a, moments, a) / count)

    before = objective(matrix)
    for _ in range(rounds):
        for i in range(dims):
            cofactors = np.linalg.inv(matrix)[:, i]
            direction = inverses[i] @ cofactors
            matrix[i] = direction * np.sqrt(count / (cofactors @ direction))
    return matrix, objective(matrix) - before


@dataclass(eq=False)
class Fmllr:
    """What a speaker's transform is estimated from (Gales 1998; also called constrained MLLR).

    Attributes:
        count: frames.
        linear: shape (D, D + 1): sums of precision-weighted means times the frame with a 1 behind it.
        moments: shape (D, D + 1, D + 1): precision-weighted outer products of such frames.
    """

    count: float
    linear: np.ndarray
    moments: np.ndarray

    @classmethod
    def empty(cls, dims: int) -> Fmllr:
        """Nothing heard."""
        return cls(0.0, np.zeros((dims, dims + 1)), np.zeros((dims, dims + 1, dims + 1)))

    def add(self, frames: np.ndarray, weights: np.ndarray, targets: np.ndarray) -> None:
        """Count in frames (T, D) with what pulls them, as :func:`speechrnn.hmm.gmm_kernels.pull` gives it."""
        extended = np.concatenate([frames, np.ones((len(frames), 1))], 1).astype(np.float64)
        self.count += len(frames)
        self.linear += targets.T @ extended
        self.moments += second_moments(weights, extended)

    def transform(self, rounds: int = 20) -> np.ndarray:
        """The affine transform (D, D + 1) that makes the speaker's frames likeliest; the identity for too little speech."""
        from speechrnn.hmm.transform_kernels import better_rows

        dims = len(self.linear)
        matrix = np.eye(dims, dims + 1)
        if self.count < LEAST_CHANGE_FRAMES:
            return matrix
        inverses = np.linalg.inv(self.moments + 1e-6 * np.eye(dims + 1))
        fits = np.einsum("ijk,ik->ij", inverses, self.linear)
        for _ in range(rounds):
            better_rows(matrix, np.linalg.inv(matrix[:, :dims]), inverses, fits, self.linear, self.moments, float(self.count))
        return matrix

    def objective(self, matrix: np.ndarray) -> float:
        """Log likelihood of the speaker's frames under a transform, up to a constant."""
        dims = len(self.linear)
        fit = float((matrix * self.linear).sum() - 0.5 * np.einsum("ij,ijk,ik->", matrix, self.moments, matrix))
        return self.count * float(np.linalg.slogdet(matrix[:, :dims])[1]) + fit


def apply_affine(frames: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Frames (T, D) through an affine transform (D, D + 1)."""
    return np.asarray(frames @ matrix[:, :-1].T + matrix[:, -1], np.float32)
