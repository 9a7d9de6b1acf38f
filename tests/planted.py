"""Small hidden Markov models with known parameters, and what they say."""

from __future__ import annotations

import numpy as np

from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.model import Acoustic, View, even_transitions
from speechrnn.hmm.phones import SILENCE_NAME, Topology
from speechrnn.hmm.tree import ContextStatistics, Tying, grow_tree


def contextual_tying(topology: Topology, seed: int, most: int = 40) -> Tying:
    """A tree over random statistics: it asks for neighbours and places without rhyme or reason."""
    rng = np.random.default_rng(seed)
    seen = ContextStatistics()
    n = len(topology.names)
    for phone in range(1, n):
        for k in range(topology.phone_states):
            for left in range(n):
                for right in range(n):
                    for place in range(4):
                        seen.add((phone, k, place, left, right), rng.normal(rng.normal(), 1.0, (60, 2)))
    return grow_tree(topology, seen, 1e-3, most)


def random_gmm(states: int, dims: int, seed: int, most: int = 3, spread: float = 3.0) -> Gmm:
    """Mixtures of one to ``most`` Gaussians."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most + 1, states)
    first = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.concatenate([rng.dirichlet(np.ones(size) * 5) for size in sizes])
    means = spread * rng.standard_normal((first[-1], dims))
    return Gmm(first, weights, means, rng.uniform(0.5, 2.0, (first[-1], dims)))


def acoustic(phones: str, seed: int, *, contextual: bool = True, phone_states: int = 2, silence_states: int = 2) -> Acoustic:
    """A model of some phones, each a letter, with random Gaussians."""
    topology = Topology((SILENCE_NAME, *phones), phone_states, silence_states)
    tying = contextual_tying(topology, seed) if contextual else Tying.monophones(topology)
    rng = np.random.default_rng(seed)
    transitions = even_transitions(tying) + rng.normal(0, 0.2, int(tying.first_transition[-1]))
    return Acoustic(tying, random_gmm(tying.num_states, 3, seed), transitions, View())
