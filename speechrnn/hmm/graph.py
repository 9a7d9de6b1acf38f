"""From a grammar to the graph that is searched; the same builder for training, alignment and decoding.

A graph has emitting nodes, each a state of some phone in its context, and hubs, which emit nothing. A hub is keyed by (position
in the grammar, last phone, next phone), so contexts across words need no transducers to be composed (compare Mohri, Pereira and
Riley 2002): a phone's chain of states enters from the hubs that agree with its left context and leaves to those that agree with its
right one. Contexts in which the tree ties a phone to the same states share one chain, as far as that adds no path.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from speechrnn.hmm.grammar import Grammar, beginning_with, first_phones
from speechrnn.hmm.phones import ALONE, SILENCE, placed
from speechrnn.hmm.tree import Tying

END = -1
"""Stands for the end of the utterance as a next phone; its sound is that of silence."""
NO_TRANSITION = -1
_OUTSIDE = -1
"""Position of the hubs before and after everything."""
HALF = math.log(0.5)
ARC = np.dtype([("weight", np.float64), ("target", np.int32), ("state", np.int32)])
"""An arc as the search reads it: log weight, where it leads, the tied state there (-1: a hub). What is read together lies together:
the search of a large graph waits for memory."""


@dataclass(frozen=True, eq=False)
class Graph:
    """N emitting nodes, then H hubs.

    Attributes:
        states: int32, shape (N,): tied state of each emitting node.
        units: int32, shape (N,): which chain it belongs to.
        first_arc: int64, shape (N + H + 1,): arcs of a node are first_arc[n] to first_arc[n + 1] (exclusive).
        targets: int32: where each arc leads.
        transitions: int32: which transition probability it carries, or -1.
        language: float32: its log probability by the grammar.
        sayings: float32: its log probability by pronunciations and silences.
        begins: bool: whether it enters a token.
        start, final: hubs.
        chains: int32, shape (C, 5): of each chain the phone, its place, the token (-1: silence), the phone's index in that, the
            first node.
    """

    states: np.ndarray = field(repr=False)
    units: np.ndarray = field(repr=False)
    first_arc: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    transitions: np.ndarray = field(repr=False)
    language: np.ndarray = field(repr=False)
    sayings: np.ndarray = field(repr=False)
    begins: np.ndarray = field(repr=False)
    start: int
    final: int
    chains: np.ndarray = field(repr=False)

    def arcs(
        self, transitions: np.ndarray, language_weight: float = 1.0, bonus: float = 0.0, more: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """All arcs, ``ARC``, with their log weights.

        Args:
            transitions: log probabilities.
            language_weight: of the grammar's.
            bonus: added for each token entered.
            more: added to all, or to each its own.
        """
        acoustic = np.append(transitions, 0.0)[self.transitions]
        found = np.empty(len(self.targets), ARC)
        found["weight"] = acoustic + self.sayings + language_weight * self.language + bonus * self.begins + more
        found["target"] = self.targets
        found["state"] = self._reached
        return found

    @cached_property
    def _reached(self) -> np.ndarray:
        """The tied state that each arc leads to, -1 where it leads to a hub."""
        states = np.full(len(self.first_arc) - 1, -1, np.int32)
        states[: len(self.states)] = self.states
        found: np.ndarray = states[self.targets]
        return found


@dataclass(frozen=True, slots=True)
class _Chain:
    """A phone's states in place: the nodes that one comes in by, and those one leaves by with the transition out."""

    entries: tuple[int, ...]
    exits: tuple[tuple[int, int], ...]


class _Builder:
    """Builds what can be reached from the start, hub by hub."""

    def __init__(self, grammar: Grammar, tying: Tying, silence: bool) -> None:
        self._grammar, self._tying, self._silence = grammar, tying, silence
        self._firsts = first_phones(grammar)
        self._beginning = beginning_with(grammar)
        self._states: list[int] = []
        self._units: list[int] = []
        self._chain_facts: list[tuple[int, int, int, int, int]] = []
        self._chains: dict[object, _Chain] = {}
        # Hubs have numbers below 0 until the nodes are counted.
        self._hubs: dict[tuple[int, int, int], int] = {}
        self._waiting: list[tuple[int, int, int]] = []
        self._sources: list[int] = []
        self._targets: list[int] = []
        self._transitions: list[int] = []
        self._language: list[float] = []
        self._sayings: list[float] = []
        self._begins: list[bool] = []
        self._explicit: dict[int, dict[int, list[tuple[int, int, float]]]] = {}
        self._nexts: dict[int, tuple[int, ...]] = {}
        self._groups: dict[tuple[int, int, int, tuple[int, ...]], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        self._leads: dict[tuple[int, int], tuple[int, float]] = {}

    def build(self) -> Graph:
        start, self._final = self._hub((_OUTSIDE, 0, 0)), self._hub((_OUTSIDE, 0, 1))
        for following in self._following(self._grammar.start):
            self._lead(start, self._grammar.start, SILENCE, following, NO_TRANSITION)
        while self._waiting:
            self._expand(*self._waiting.pop())
        return self._finish(start)

    def _arc(
        self, source: int, target: int, transition: int, language: float = 0.0, saying: float = 0.0, begins: bool = False
    ) -> None:
        self._sources.append(source)
        self._targets.append(target)
        self._transitions.append(transition)
        self._language.append(language)
        self._sayings.append(saying)
        self._begins.append(begins)

    def _hub(self, key: tuple[int, int, int]) -> int:
        number = self._hubs.get(key)
        if number is None:
            number = self._hubs[key] = -1 - len(self._hubs)
            if key[0] != _OUTSIDE:
                self._waiting.append(key)
        return number

    def _nexts_of(self, position: int) -> tuple[int, ...]:
        """Phones that tokens after a position may begin with, END where the sentence may end."""
        found = self._nexts.get(position)
        if found is None:
            here = set(self._firsts.get(position, ()))
            if position in self._grammar.finals:
                here.add(END)
            if position in self._grammar.backoff:
                here.update(self._nexts_of(self._grammar.backoff[position][0]))
            found = self._nexts[position] = tuple(sorted(here))
        return found

    def _following(self, position: int) -> tuple[int, ...]:
        """What may sound next at a position: silence, too, where it is optional."""
        return (*self._nexts_of(position), *([SILENCE] if self._may_pause(position) else []))

    def _may_pause(self, position: int) -> bool:
        return self._silence and (self._grammar.pauses is None or position in self._grammar.pauses)

    def _own(self, position: int) -> dict[int, list[tuple[int, int, float]]]:
        """The arcs of a position by the first phone of their tokens."""
        found = self._explicit.get(position)
        if found is None:
            found = defaultdict(list)
            for arc in self._grammar.arcs.get(position, ()):
                for phone in {phones[0] for phones, _ in self._grammar.pronunciations[arc[0]]}:
                    found[phone].append(arc)
            self._explicit[position] = found = dict(found)
        return found

    def _where(self, position: int, following: int) -> tuple[int, float]:
        """The longest history that has something of its own to say of what follows, and the weight of falling back to it."""
        found = self._leads.get((position, following))
        if found is None:
            weight = 0.0
            to = position
            while not (to in self._grammar.finals if following == END else following in self._own(to)):
                to, more = self._grammar.backoff[to]
                weight += more
            found = self._leads[(position, following)] = to, weight
        return found

    def _lead(self, source: int, position: int, last: int, following: int, transition: int, skip: float | None = None) -> None:
        """Go on from a node to where ``following`` may begin."""
        skipped = (HALF if self._may_pause(position) else 0.0) if skip is None else skip
        if following == SILENCE:
            pause = position if self._grammar.pauses is None else self._grammar.pauses[position]
            self._arc(source, self._hub((pause, SILENCE, SILENCE)), transition, 0.0, HALF)
            return
        to, weight = self._where(position, following)
        if following == END:
            self._arc(source, self._final, transition, weight + self._grammar.finals[to], skipped)
        else:
            self._arc(source, self._hub((to, self._tying.left_class(last), following)), transition, weight, skipped)

    def _expand(self, position: int, last: int, following: int) -> None:
        """The arcs that leave a hub."""
        hub = self._hubs[(position, last, following)]
        if following == SILENCE:
            self._silent(hub, position)
            return
        arcs = self._own(position)[following]
        fallback = self._grammar.backoff.get(position)
        if fallback is not None and len({token for token, _, _ in arcs}) < len(self._beginning[following]):
            to, weight = self._where(fallback[0], following)
            self._arc(hub, self._hub((to, last, following)), NO_TRANSITION, fallback[1] + weight)
        for token, after, log_prob in arcs:
            for phones, likely in self._grammar.pronunciations[token]:
                if phones[0] == following:
                    for chain in self._phone(token, after, phones, 0, last):
                        for node in chain.entries:
                            self._arc(hub, node, NO_TRANSITION, log_prob, likely, True)

    def _silent(self, hub: int, position: int) -> None:
        """The optional silence at a position."""
        states = self._tying.states(SILENCE, 0, SILENCE, SILENCE)
        chain, _ = self._chain((position,), SILENCE, ALONE, states, -1, 0)
        for node in chain.entries:
            self._arc(hub, node, NO_TRANSITION)
        for following in self._nexts_of(position):
            for node, transition in chain.exits:
                self._lead(node, position, SILENCE, following, transition, 0.0)

    def _phone(self, token: int, after: int, phones: tuple[int, ...], place: int, left: int) -> list[_Chain]:
        """The chains of a token's phone after a left context, with all that follows them."""
        phone, spot = placed(phones, self._grammar.words)[place]
        key = (token, after, phones, place)
        if place + 1 < len(phones):
            states = self._tying.states(phone, spot, left, phones[place + 1])
            chain, new = self._chain((*key, states), phone, spot, states, token, place)
            if new:
                for later in self._phone(token, after, phones, place + 1, phone):
                    for node, transition in chain.exits:
                        for entry in later.entries:
                            self._arc(node, entry, transition)
            return [chain]
        chains = []
        for states, group in self._by_states(phone, spot, left, self._following(after)):
            chain, new = self._chain((*key, states, group), phone, spot, states, token, place)
            if new:
                for following in group:
                    for node, transition in chain.exits:
                        self._lead(node, after, phone, following, transition)
            chains.append(chain)
        return chains

    def _by_states(
        self, phone: int, spot: int, left: int, following: tuple[int, ...]
    ) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """What may follow a phone, grouped by the states the phone then has."""
        found = self._groups.get((phone, spot, left, following))
        if found is None:
            groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
            for right in following:
                groups[self._tying.states(phone, spot, left, SILENCE if right == END else right)].append(right)
            found = [(states, tuple(group)) for states, group in groups.items()]
            self._groups[(phone, spot, left, following)] = found
        return found

    def _chain(self, key: object, phone: int, spot: int, states: tuple[int, ...], token: int, place: int) -> tuple[_Chain, bool]:
        """The chain of that key, and whether it is new."""
        found = self._chains.get(key)
        if found is not None:
            return found, False
        start, size = len(self._states), len(states)
        self._states += states
        self._units += [len(self._chain_facts)] * size
        self._chain_facts.append((phone, spot, token, place, start))
        exits = []
        for k, to, transition in self._tying.arcs(phone, states):
            if to == size:
                exits.append((start + k, transition))
            else:
                self._arc(start + k, start + to, transition)
        chain = self._chains[key] = _Chain((start,), tuple(exits))
        return chain, True

    def _finish(self, start: int) -> Graph:
        n = len(self._states)
        ends = np.array([self._sources, self._targets], np.int64)
        ends = np.where(ends < 0, n - 1 - ends, ends)
        order = np.argsort(ends[0], kind="stable")
        counts = np.bincount(ends[0], minlength=n + len(self._hubs))
        return Graph(
            states=np.array(self._states, np.int32),
            units=np.array(self._units, np.int32),
            first_arc=np.concatenate([[0], np.cumsum(counts)]),
            targets=ends[1][order].astype(np.int32),
            transitions=np.array(self._transitions, np.int32)[order],
            language=np.array(self._language, np.float32)[order],
            sayings=np.array(self._sayings, np.float32)[order],
            begins=np.array(self._begins, np.bool_)[order],
            start=n - 1 - start,
            final=n - 1 - self._final,
            chains=np.array(self._chain_facts, np.int32).reshape(-1, 5),
        )


def build(grammar: Grammar, tying: Tying, *, silence: bool = True) -> Graph:
    """The graph of a grammar.

    Args:
        silence: whether a silence may stand before, between and after tokens, where the grammar lets it; it is as likely as none.
    """
    return _Builder(grammar, tying, silence).build()
