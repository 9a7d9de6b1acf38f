"""Mixtures of diagonal Gaussians, one for each tied state: likelihoods, statistics, estimation, growth."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

LEAST_FRAMES = 5.0
"""A Gaussian that fewer frames share is left out."""
ROWS = 64
"""Frames that are scored at a time."""
LEAST_WEIGHT = 1e-5
"""Smallest weight in a mixture."""


@dataclass(frozen=True, eq=False)
class Gmm:
    """G Gaussians over D dimensions, in S mixtures.

    Attributes:
        first: int64, shape (S + 1,): the Gaussians of state s are first[s] to first[s + 1] (exclusive).
        weights: shape (G,), summing to 1 in each state.
        means, variances: shape (G, D).
    """

    first: np.ndarray
    weights: np.ndarray = field(repr=False)
    means: np.ndarray = field(repr=False)
    variances: np.ndarray = field(repr=False)

    @property
    def num_states(self) -> int:
        """S."""
        return len(self.first) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Gaussians of each state, (S,)."""
        return np.diff(self.first)

    @cached_property
    def precisions(self) -> np.ndarray:
        """Inverse variances."""
        return 1.0 / self.variances

    @cached_property
    def constants(self) -> np.ndarray:
        """Log weight and normalization of each Gaussian, (G,)."""
        dims = self.means.shape[1]
        logs = np.log(self.variances).sum(1)
        return np.asarray(np.log(self.weights) - 0.5 * (dims * math.log(2 * math.pi) + logs))

    @property
    def kernel_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the kernels take after frames and states, for frames of float64."""
        return self.first, self.means, self.precisions, self.constants

    @cached_property
    def single_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The same for frames of float32."""
        means, precisions, constants = (np.asarray(a, np.float32) for a in self.kernel_arrays[1:])
        return self.first, means, precisions, constants

    @cached_property
    def _product(self) -> np.ndarray:
        """A log likelihood as a product with a frame, its squares and 1: matrix (2D + 1, G), float32."""
        precise = self.precisions
        constants = self.constants - 0.5 * (np.square(self.means) * precise).sum(1)
        return np.concatenate([(self.means * precise).T, -0.5 * precise.T, constants[None]]).astype(np.float32)

    def score(self, frames: np.ndarray) -> np.ndarray:
        """Log likelihoods of frames (T, D) in all states: float32, (T, S).

        All Gaussians in one matrix product; float32 is exact to about 1e-4 nats for features near unit scale.
        """
        from speechrnn.hmm.gmm_kernels import below_best, sum_by_state

        first = self.first
        frames = np.asarray(frames, np.float32)
        found = np.empty((len(frames), self.num_states), np.float32)
        sums = np.empty_like(found)
        # A block of frames at a time, so that what lies between the steps stays in the cache.
        for start in range(0, len(frames), ROWS):
            some = frames[start : start + ROWS]
            components = np.concatenate([some, np.square(some), np.ones_like(some[:, :1])], 1) @ self._product
            below_best(components, first, found[start : start + ROWS])
            np.exp(components, out=components)
            sum_by_state(components, first, sums[start : start + ROWS])
        found += np.log(sums, out=sums)
        return found

    def transformed(self, matrix: np.ndarray) -> Gmm:
        """The means in other coordinates (D, D), variances as they are, as after a new MLLT matrix."""
        return replace(self, means=self.means @ matrix.T)


@dataclass(eq=False)
class Statistics:
    """Sums over the frames of each Gaussian, float64: counts (G,), frames and their squares (G, D)."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    log_likelihood: float = 0.0
    frames: int = 0

    @classmethod
    def empty(cls, gaussians: int, dims: int) -> Statistics:
        """Nothing seen."""
        return cls(np.zeros(gaussians), np.zeros((gaussians, dims)), np.zeros((gaussians, dims)))

    def add(self, gmm: Gmm, frames: np.ndarray, states: np.ndarray) -> None:
        """Count in frames (T, D) with their states (T,)."""
        from speechrnn.hmm.gmm_kernels import accumulate

        arrays = gmm.single_arrays if frames.dtype == np.float32 else gmm.kernel_arrays
        self.log_likelihood += accumulate(frames, states, *arrays, self.counts, self.sums, self.squares)
        self.frames += len(frames)

    def join(self, other: Statistics) -> Statistics:
        """Add what another has seen; returns itself."""
        self.counts += other.counts
        self.sums += other.sums
        self.squares += other.squares
        self.log_likelihood += other.log_likelihood
        self.frames += other.frames
        return self


def estimate(gmm: Gmm, seen: Statistics, floor: np.ndarray) -> Gmm:
    """Maximum likelihood given the posteriors (Dempster, Laird and Rubin 1977), variances at least ``floor`` (D,).

    A Gaussian that too few frames share is left out, the last one of a state never; what it had stays as it was.
    """
    known = seen.counts >= LEAST_FRAMES
    counts = np.maximum(seen.counts, 1e-10)[:, None]
    fresh = seen.sums / counts
    spread = np.maximum(seen.squares / counts - np.square(fresh), floor)
    fresh = np.where(known[:, None], fresh, gmm.means)
    spread = np.where(known[:, None], spread, gmm.variances)
    keep = known.copy()
    for s in range(gmm.num_states):
        low, high = gmm.first[s], gmm.first[s + 1]
        if not keep[low:high].any():
            keep[low + int(np.argmax(seen.counts[low:high]))] = True
    sizes = np.add.reduceat(keep.astype(np.int64), gmm.first[:-1])
    first = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.maximum(seen.counts[keep], LEAST_FRAMES * LEAST_WEIGHT)
    totals = np.repeat(np.add.reduceat(weights, first[:-1]), sizes)
    weights = np.maximum(weights / totals, LEAST_WEIGHT)
    weights /= np.repeat(np.add.reduceat(weights, first[:-1]), sizes)
    return Gmm(first, weights, fresh[keep], spread[keep])


def averaged(sets: Sequence[Gmm]) -> Gmm:
    """The mean of the densities that several sets of Gaussians give the same states.

    Sets that were trained from different starts err in different places; their mean fits what was not trained on better than any
    of them (Ormoneit and Tresp 1996).
    """
    order = np.argsort(np.concatenate([np.repeat(np.arange(one.num_states), one.sizes) for one in sets]), kind="stable")
    first = np.sum([one.first for one in sets], axis=0)
    weights, means, variances = (
        np.concatenate([getattr(one, name) for one in sets])[order] for name in ("weights", "means", "variances")
    )
    return Gmm(first, weights / len(sets), means, variances)


def sizes_for(frames: np.ndarray, total: int, power: float, most: np.ndarray, least_frames: float) -> np.ndarray:
    """How many Gaussians each state deserves, (S,): shares of ``total`` by frames (S,) to ``power``, none above ``most`` (S,).

    ``least_frames`` frames must come on each.
    """
    sizes = np.ones(len(frames), np.int64)
    worth = np.power(np.maximum(frames, 1e-10), power)
    heap = [(-float(worth[s]), s) for s in range(len(frames))]
    heapq.heapify(heap)
    left = total - len(frames)
    while heap and left > 0:
        _, s = heapq.heappop(heap)
        if sizes[s] >= most[s] or frames[s] < (sizes[s] + 1) * least_frames:
            continue
        sizes[s] += 1
        left -= 1
        heapq.heappush(heap, (-float(worth[s]) / sizes[s], s))
    return sizes


def grow(gmm: Gmm, sizes: Sequence[int] | np.ndarray, random: np.random.Generator, step: float = 0.1) -> Gmm:
    """Split the heaviest Gaussians of each state until it has ``sizes`` of them; states that have more keep them.

    The halves are moved apart by ``step`` standard deviations in a random direction.
    """
    weights, means, variances, counts = [], [], [], []
    for s in range(gmm.num_states):
        low, high = gmm.first[s], gmm.first[s + 1]
        w, m, v = list(gmm.weights[low:high]), list(gmm.means[low:high]), list(gmm.variances[low:high])
        while len(w) < sizes[s]:
            i = int(np.argmax(w))
            away = step * random.standard_normal(len(m[i])) * np.sqrt(v[i])
            w[i] /= 2
            w.append(w[i])
            m.append(m[i] - away)
            m[i] = m[i] + away
            v.append(v[i])
        weights += w
        means += m
        variances += v
        counts.append(len(w))
    return Gmm(np.concatenate([[0], np.cumsum(counts)]), np.array(weights), np.array(means), np.array(variances))
