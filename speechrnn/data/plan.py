"""The batches of an epoch, as a pure function of durations, seed, epoch and limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speechrnn.data.randomness import generator

JITTER = 0.25
"""Standard deviation, in batches, of the noise on an utterance's rank by length.

Batch mates change every epoch while padding stays under 5 % (AN4, Mboshi, FSDD in batches of 8 and 16). Noise of 5 % on the
durations themselves was tried first: 7 to 10 % padding.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Most utterances and most padded seconds in a batch."""

    batch_size: int
    batch_s: float


def plan_epoch(durations: np.ndarray, seed: int, epoch: int, limits: Limits) -> list[np.ndarray]:
    """Batches of utterance indices (int64); every index once.

    Utterances of similar length come together, in an order of batches drawn anew each epoch. An utterance longer than
    ``batch_s`` gets a batch of its own.

    Args:
        durations: seconds, shape (N,).
        seed, epoch: what the shuffling depends on.
        limits: see :class:`Limits`.
    """
    rng = generator(seed, "plan", epoch)
    shuffled = rng.permutation(len(durations))
    rank = np.empty(len(durations))
    rank[shuffled[np.argsort(durations[shuffled], kind="stable")]] = np.arange(len(durations))
    rank += JITTER * limits.batch_size * rng.standard_normal(len(durations))
    batches = cut(np.argsort(rank, kind="stable"), durations, limits)
    return [batches[i] for i in rng.permutation(len(batches))]


def cut(order: np.ndarray, durations: np.ndarray, limits: Limits) -> list[np.ndarray]:
    """Cut indices, in the order given, into batches within the limits."""
    batches: list[np.ndarray] = []
    batch: list[int] = []
    longest = 0.0
    for index in order:
        longest = max(longest, float(durations[index]))
        if batch and (len(batch) == limits.batch_size or longest * (len(batch) + 1) > limits.batch_s):
            batches.append(np.array(batch, np.int64))
            batch, longest = [], float(durations[index])
        batch.append(index)
    if batch:
        batches.append(np.array(batch, np.int64))
    return batches


def costliest(durations: np.ndarray, limits: Limits) -> np.ndarray:
    """The batch that costs most when the longest come together, to be run first: memory that does not suffice shows at once."""
    longest_first = np.argsort(-durations, kind="stable")
    candidates = cut(longest_first, durations, limits)
    return max(candidates, key=lambda batch: len(batch) * float(durations[batch].max()))


def padding_share(durations: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of padded seconds that hold no speech."""
    padded = sum(len(batch) * float(durations[batch].max()) for batch in batches)
    return 1 - float(durations.sum()) / padded if padded else 0.0
