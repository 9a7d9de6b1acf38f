"""Which states of phones in context share their Gaussians: decision trees (Young, Odell and Woodland 1994).

Each state of each phone has a tree of its own. A leaf is a tied state. Questions ask for the phone to the left, to the right, or
for the phone's own place in its word; the sets of phones they ask for are found by clustering (as Kaldi does: Povey et al. 2011).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from speechrnn.hmm.phones import PLACES, SILENCE, Topology

LEFT, RIGHT, PLACE = range(3)
LEAF = -1
LEAST_FRAMES = 50.0
"""Frames that must come on each side of a question."""


@dataclass(frozen=True, eq=False)
class Tying:
    """Trees of all phones' states, in flat arrays of M tree nodes.

    Attributes:
        topology: phones and their states.
        kinds: int8, shape (M,): LEFT, RIGHT, PLACE, or LEAF.
        members: bool, shape (M, max(P, 4)): the phones (or places) for which the answer is yes.
        yes, no: int32, shape (M,): the next node; at a leaf, ``yes`` is the tied state.
        roots: int32, shape (P, states): the root of each phone's state, -1 beyond its last.
    """

    topology: Topology
    kinds: np.ndarray = field(repr=False)
    members: np.ndarray = field(repr=False)
    yes: np.ndarray = field(repr=False)
    no: np.ndarray = field(repr=False)
    roots: np.ndarray = field(repr=False)
    _memory: dict[tuple[int, int, int, int], tuple[int, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def monophones(cls, topology: Topology) -> Tying:
        """A tied state for each state of each phone, whatever its context."""
        n_phones = len(topology.names)
        roots = np.full((n_phones, max(topology.phone_states, topology.silence_states)), -1, np.int32)
        n = 0
        for phone in range(n_phones):
            for k in range(topology.states(phone)):
                roots[phone, k] = n
                n += 1
        none = np.zeros((n, max(n_phones, PLACES)), np.bool_)
        return cls(topology, np.full(n, LEAF, np.int8), none, np.arange(n, dtype=np.int32), np.full(n, -1, np.int32), roots)

    def check(self) -> None:
        """Refuse by ``ValueError`` arrays that are no trees: every way down from a root must end."""
        n, n_phones = len(self.kinds), len(self.topology.names)
        width = max(self.topology.phone_states, self.topology.silence_states)
        if self.roots.shape != (n_phones, width) or self.members.shape != (n, max(n_phones, PLACES)):
            raise ValueError("trees of another shape than the phones")
        inner = self.kinds != LEAF
        below = np.concatenate([self.yes[inner], self.no[inner]])
        roots = np.concatenate([self.roots[phone, : self.topology.states(phone)] for phone in range(n_phones)])
        # Each node but the roots hangs under one that stands before it.
        above = np.tile(np.flatnonzero(inner), 2)
        if not np.array_equal(np.sort(np.concatenate([below, roots])), np.arange(n)) or not (below > above).all():
            raise ValueError("nodes that belong to no tree, or to two")
        if (
            not np.array_equal(np.sort(self.yes[~inner]), np.arange(n - int(inner.sum())))
            or not np.isin(self.kinds, (LEAF, LEFT, RIGHT, PLACE)).all()
        ):
            raise ValueError("tied states that are missing, or named twice")

    @property
    def num_states(self) -> int:
        """Tied states."""
        return int((self.kinds == LEAF).sum())

    def states(self, phone: int, place: int, left: int, right: int) -> tuple[int, ...]:
        """The tied states of a phone in its context."""
        found = self._memory.get((phone, place, left, right))
        if found is None:
            asked = (left, right, place)
            states = []
            for node in self.roots[phone, : self.topology.states(phone)].tolist():
                while (kind := self.kinds[node]) != LEAF:
                    node = self.yes[node] if self.members[node, asked[kind]] else self.no[node]
                states.append(int(self.yes[node]))
            found = self._memory[(phone, place, left, right)] = tuple(states)
        return found

    @cached_property
    def _left_classes(self) -> list[int]:
        answers = self.members[self.kinds == LEFT].T
        first: dict[bytes, int] = {}
        return [first.setdefault(answers[phone].tobytes(), phone) for phone in range(len(self.topology.names))]

    def left_class(self, phone: int) -> int:
        """The first phone that no question tells from this one as a left context."""
        return self._left_classes[phone]

    @cached_property
    def owners(self) -> np.ndarray:
        """Phone and state number of each tied state, int32, shape (S, 2)."""
        found = np.zeros((self.num_states, 2), np.int32)
        for phone in range(len(self.topology.names)):
            for k in range(self.topology.states(phone)):
                waiting = [int(self.roots[phone, k])]
                while waiting:
                    node = waiting.pop()
                    if self.kinds[node] == LEAF:
                        found[self.yes[node]] = phone, k
                    else:
                        waiting += [int(self.yes[node]), int(self.no[node])]
        return found

    @cached_property
    def first_transition(self) -> np.ndarray:
        """Transitions of tied state s are first_transition[s] to first_transition[s + 1] (exclusive)."""
        ways = [sum(a == k for a, _ in self.topology.arcs(phone)) for phone, k in self.owners.tolist()]
        return np.concatenate([[0], np.cumsum(ways)])

    def arcs(self, phone: int, states: Sequence[int]) -> list[tuple[int, int, int]]:
        """Arcs inside and out of a chain with these tied states: from, to, transition."""
        found = []
        taken: dict[int, int] = {}
        for k, to in self.topology.arcs(phone):
            nth = taken[k] = taken.get(k, -1) + 1
            found.append((k, to, int(self.first_transition[states[k]]) + nth))
        return found


@dataclass(eq=False)
class ContextStatistics:
    """A Gaussian's sums for each state of a phone in its context: (phone, state, place, left, right) -> row."""

    rows: dict[tuple[int, int, int, int, int], int] = field(default_factory=dict)
    counts: list[float] = field(default_factory=list)
    sums: list[np.ndarray] = field(default_factory=list)
    squares: list[np.ndarray] = field(default_factory=list)

    def add(self, key: tuple[int, int, int, int, int], frames: np.ndarray) -> None:
        """Count in frames (T, D) of one context."""
        row = self.rows.get(key)
        if row is None:
            self.rows[key] = len(self.counts)
            self.counts.append(float(len(frames)))
            self.sums.append(frames.sum(0, dtype=np.float64))
            self.squares.append(np.square(frames, dtype=np.float64).sum(0))
        else:
            self.counts[row] += len(frames)
            self.sums[row] += frames.sum(0, dtype=np.float64)
            self.squares[row] += np.square(frames, dtype=np.float64).sum(0)

    def stacked(self) -> np.ndarray:
        """Counts, sums, squares side by side, (rows, 1 + 2D)."""
        return np.concatenate([np.array(self.counts)[:, None], np.array(self.sums), np.array(self.squares)], 1)


def log_likelihood(sums: np.ndarray, floor: np.ndarray | float = 1e-4) -> np.ndarray:
    """Log likelihood of what was summed, (…, 1 + 2D), under the best diagonal Gaussian of each; shape (…,)."""
    dims = (sums.shape[-1] - 1) // 2
    counts = np.maximum(sums[..., :1], 1e-10)
    mean = sums[..., 1 : 1 + dims] / counts
    variance = np.maximum(sums[..., 1 + dims :] / counts - np.square(mean), floor)
    return np.asarray(-0.5 * counts[..., 0] * (dims * (1 + math.log(2 * math.pi)) + np.log(variance).sum(-1)))


def phone_sets(sums: np.ndarray) -> list[np.ndarray]:
    """Sets of phones to ask for: what bottom-up clustering puts together on its way, single phones among them.

    Args:
        sums: shape (P, …, 1 + 2D): statistics of each phone, of which those joined with the least loss are alike.

    Returns:
        Boolean arrays (P,).
    """
    n = len(sums)
    clusters = {i: (np.eye(n, dtype=np.bool_)[i], sums[i]) for i in range(n)}
    own = {i: float(log_likelihood(sums[i]).sum()) for i in range(n)}
    sets = [members for members, _ in clusters.values()]
    losses: list[tuple[float, int, int]] = []

    def compare(a: int, b: int) -> None:
        joined = float(log_likelihood(clusters[a][1] + clusters[b][1]).sum())
        heapq.heappush(losses, (own[a] + own[b] - joined, a, b))

    for a in range(n):
        for b in range(a):
            compare(a, b)
    following = n
    while len(clusters) > 2:
        _, a, b = heapq.heappop(losses)
        if a not in clusters or b not in clusters:
            continue
        members, total = clusters[a][0] | clusters[b][0], clusters[a][1] + clusters[b][1]
        del clusters[a], clusters[b]
        clusters[following] = members, total
        own[following] = float(log_likelihood(total).sum())
        sets.append(members)
        for other in clusters:
            if other != following:
                compare(following, other)
        following += 1
    return sets


@dataclass(frozen=True, eq=False)
class _Split:
    gain: float
    kind: int
    members: np.ndarray
    yes: np.ndarray
    no: np.ndarray


def grow_tree(topology: Topology, seen: ContextStatistics, least_gain: float, most_states: int) -> Tying:
    """Trees that split wherever it helps most, until no split gains ``least_gain`` nats or there are ``most_states`` leaves."""
    n_phones = len(topology.names)
    keys = np.array(list(seen.rows), np.int64).reshape(-1, 5)
    sums = seen.stacked()
    dims2 = sums.shape[1]
    width = max(topology.phone_states, topology.silence_states)
    # Phones are alike whose states are alike in all places and contexts.
    by_phone = np.zeros((n_phones, width, dims2))
    np.add.at(by_phone, (keys[:, 0], keys[:, 1]), sums)
    phones = phone_sets(by_phone[:, : topology.phone_states])
    places = [
        np.array(row, np.bool_)
        for row in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 1, 0, 1), (1, 1, 0, 0), (1, 0, 0, 1))
    ]
    questions = [(LEFT, q) for q in phones] + [(RIGHT, q) for q in phones] + [(PLACE, q) for q in places]
    asked = {LEFT: keys[:, 3], RIGHT: keys[:, 4], PLACE: keys[:, 2]}

    def best_split(rows: np.ndarray) -> _Split | None:
        total = sums[rows].sum(0)
        whole = float(log_likelihood(total))
        answers = np.array([members[asked[kind][rows]] for kind, members in questions])
        yes = answers @ sums[rows]
        no = total - yes
        fit = (yes[:, 0] >= LEAST_FRAMES) & (no[:, 0] >= LEAST_FRAMES)
        if not fit.any():
            return None
        gains = np.where(fit, log_likelihood(yes) + log_likelihood(no) - whole, -np.inf)
        q = int(np.argmax(gains))
        kind, members = questions[q]
        return _Split(float(gains[q]), kind, members, rows[answers[q]], rows[~answers[q]])

    kinds: list[int] = []
    members: list[np.ndarray] = []
    yes: list[int] = []
    no: list[int] = []
    nothing = np.zeros(max(n_phones, PLACES), np.bool_)

    def add_leaf() -> int:
        kinds.append(LEAF)
        members.append(nothing)
        yes.append(-1)
        no.append(-1)
        return len(kinds) - 1

    roots = np.full((n_phones, width), -1, np.int32)
    heap: list[tuple[float, int]] = []
    splits: dict[int, _Split] = {}

    def consider(node: int, rows: np.ndarray) -> None:
        split = best_split(rows) if len(rows) > 1 else None
        if split is not None and split.gain >= least_gain:
            splits[node] = split
            heapq.heappush(heap, (-split.gain, node))

    leaves = 0
    for phone in range(n_phones):
        for k in range(topology.states(phone)):
            roots[phone, k] = node = add_leaf()
            leaves += 1
            if phone != SILENCE:
                consider(node, np.flatnonzero((keys[:, 0] == phone) & (keys[:, 1] == k)))
    while heap and leaves < most_states:
        _, node = heapq.heappop(heap)
        split = splits.pop(node)
        padded = nothing.copy()
        padded[: len(split.members)] = split.members
        kinds[node], members[node] = split.kind, padded
        yes[node], no[node] = add_leaf(), add_leaf()
        leaves += 1
        consider(yes[node], split.yes)
        consider(no[node], split.no)
    ends = [node for node, kind in enumerate(kinds) if kind == LEAF]
    for state, node in enumerate(ends):
        yes[node] = state
    return Tying(topology, np.array(kinds, np.int8), np.array(members), np.array(yes, np.int32), np.array(no, np.int32), roots)
