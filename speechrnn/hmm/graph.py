"""From a grammar to the graph that is searched; the same builder for training, alignment and decoding.

A graph has emitting nodes, each a state of some phone in its context, and hubs, which emit nothing. A hub is keyed by (position
in the grammar, last phone, next phone), so contexts across words need no transducers to be composed (compare Mohri, Pereira and
Riley 2002): a phone's states enter from the hubs that agree with its left context and leave to those that agree with its right one.
Contexts in which the tree ties a phone to the same states share their nodes: those that begin alike as long as they are alike, and
those that end alike from where they are, so a phone between many neighbours is the smallest acyclic graph of its states.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

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
_BUILT_ARC = np.dtype(
    [
        ("source", np.int64), ("target", np.int64), ("transition", np.int32), ("language", np.float64), ("saying", np.float64),
        ("begins", np.bool_),
    ]
)  # fmt: skip
"""An arc as it is built."""
ARC = np.dtype([("weight", np.float64), ("target", np.int32), ("state", np.int32)])
"""An arc as the search reads it: log weight, where it leads, the tied state there (-1: a hub). What is read together lies together:
the search of a large graph waits for memory."""

_Said = tuple[int, int, tuple[int, ...], int]
"""A token, the position after it, its phones, and which of them is meant."""
_Ways = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
"""The tied states that a phone may have, or the last of them, each time with the phones that may follow then."""


@dataclass(frozen=True, eq=False)
class Graph:
    """N emitting nodes, then H hubs.

    Attributes:
        states: int32, shape (N,): tied state of each emitting node.
        numbers: int32, shape (N,): the number of that state within its phone.
        units: int32, shape (N,): which of the labels it belongs to.
        first_arc: int64, shape (N + H + 1,): arcs of a node are first_arc[n] to first_arc[n + 1] (exclusive).
        targets: int32: where each arc leads.
        transitions: int32: which transition probability it carries, or -1.
        language: float64: its log probability by the grammar.
        sayings: float64: its log probability by pronunciations and silences.
        begins: bool: whether it enters a token.
        start, final: hubs.
        labels: int32, shape (L, 4): a phone, its place, the token (-1: silence), the phone's index in that.
    """

    states: np.ndarray = field(repr=False)
    numbers: np.ndarray = field(repr=False)
    units: np.ndarray = field(repr=False)
    first_arc: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    transitions: np.ndarray = field(repr=False)
    language: np.ndarray = field(repr=False)
    sayings: np.ndarray = field(repr=False)
    begins: np.ndarray = field(repr=False)
    start: int
    final: int
    labels: np.ndarray = field(repr=False)

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


class _Builder:
    """Builds what can be reached from the start, hub by hub."""

    def __init__(self, grammar: Grammar, tying: Tying, silence: bool) -> None:
        self._grammar, self._tying, self._silence = grammar, tying, silence
        self._firsts = first_phones(grammar)
        self._beginning = beginning_with(grammar)
        self._states: list[int] = []
        self._numbers: list[int] = []
        self._units: list[int] = []
        self._labels: dict[tuple[int, int, int, int], int] = {}
        self._nodes: dict[object, int] = {}
        # Hubs have numbers below 0 until the nodes are counted.
        self._hubs: dict[tuple[int, int, int], int] = {}
        # What is still to be done: words may be long, so nothing calls itself for each of their phones.
        self._waiting: list[Callable[[], None]] = []
        self._sources: list[int] = []
        self._targets: list[int] = []
        self._transitions: list[int] = []
        self._language: list[float] = []
        self._sayings: list[float] = []
        self._begins: list[bool] = []
        self._explicit: dict[int, dict[int, list[tuple[int, int, float]]]] = {}
        self._nexts: dict[int, tuple[int, ...]] = {}
        self._groups: dict[tuple[int, int, int, tuple[int, ...]], _Ways] = {}
        self._leads: dict[tuple[int, int], tuple[int, float]] = {}

    def build(self) -> Graph:
        start, self._final = self._hub((_OUTSIDE, 0, 0)), self._hub((_OUTSIDE, 0, 1))
        for following in self._following(self._grammar.start):
            self._lead(start, self._grammar.start, SILENCE, following, NO_TRANSITION)
        while self._waiting:
            self._waiting.pop()()
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
                self._waiting.append(partial(self._expand, *key))
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
                    for node in self._phone(token, after, phones, 0, last):
                        self._arc(hub, node, NO_TRANSITION, log_prob, likely, True)

    def _silent(self, hub: int, position: int) -> None:
        """The optional silence at a position."""
        states = self._tying.states(SILENCE, 0, SILENCE, SILENCE)
        nodes = [self._node(k, state, (SILENCE, ALONE, -1, 0)) for k, state in enumerate(states)]
        self._arc(hub, nodes[0], NO_TRANSITION)
        for k, to, transition in self._tying.arcs(SILENCE, states):
            if to < len(states):
                self._arc(nodes[k], nodes[to], transition)
            else:
                for following in self._nexts_of(position):
                    self._lead(nodes[k], position, SILENCE, following, transition, 0.0)

    def _phone(self, token: int, after: int, phones: tuple[int, ...], place: int, left: int) -> list[int]:
        """The nodes by which one comes, after a left context, into a token's phone, with all that follows them."""
        phone, spot = placed(phones, self._grammar.words)[place]
        inside = place + 1 < len(phones)
        following = (phones[place + 1],) if inside else self._following(after)
        said = (token, after, phones, place)
        return self._shared(said, (phone, spot, token, place), 0, self._by_states(phone, spot, left, following))

    def _shared(self, said: _Said, label: tuple[int, int, int, int], number: int, ways: _Ways) -> list[int]:
        """The first nodes of a phone's states from a number on; nodes from which all goes on alike are one."""
        beginnings: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = defaultdict(list)
        for (state, *rest), group in ways:
            beginnings[state].append((tuple(rest), group))
        found = []
        for state, later in beginnings.items():
            key = (said, number, state, tuple(later))
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = self._node(number, state, label)
                stay, leave = range(*self._tying.first_transition[state : state + 2].tolist())
                self._arc(node, node, stay)
                if later[0][0]:
                    for entry in self._shared(said, label, number + 1, tuple(later)):
                        self._arc(node, entry, leave)
                else:
                    self._waiting.append(partial(self._leave, node, leave, said, later[0][1]))
            found.append(node)
        return found

    def _leave(self, node: int, transition: int, said: _Said, following: tuple[int, ...]) -> None:
        """From the last state of a token's phone to the next one, or to what may follow the token."""
        token, after, phones, place = said
        if place + 1 < len(phones):
            for entry in self._phone(token, after, phones, place + 1, phones[place]):
                self._arc(node, entry, transition)
        else:
            for right in following:
                self._lead(node, after, phones[place], right, transition)

    def _by_states(self, phone: int, spot: int, left: int, following: tuple[int, ...]) -> _Ways:
        """What may follow a phone, grouped by the states the phone then has."""
        found = self._groups.get((phone, spot, left, following))
        if found is None:
            groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
            for right in following:
                groups[self._tying.states(phone, spot, left, SILENCE if right == END else right)].append(right)
            found = tuple((states, tuple(group)) for states, group in groups.items())
            self._groups[(phone, spot, left, following)] = found
        return found

    def _node(self, number: int, state: int, label: tuple[int, int, int, int]) -> int:
        """A new emitting node."""
        self._states.append(state)
        self._numbers.append(number)
        self._units.append(self._labels.setdefault(label, len(self._labels)))
        return len(self._states) - 1

    def _finish(self, start: int) -> Graph:
        n = len(self._states)
        arcs = np.empty(len(self._sources), _BUILT_ARC)
        for name, ends in (("source", self._sources), ("target", self._targets)):
            numbers = np.array(ends)
            arcs[name] = np.where(numbers < 0, n - 1 - numbers, numbers)
        arcs["transition"], arcs["language"], arcs["saying"] = self._transitions, self._language, self._sayings
        arcs["begins"] = self._begins
        arcs = arcs[np.argsort(arcs["source"], kind="stable")]
        outer = np.array([n - 1 - start, n - 1 - self._final])
        hubs = np.arange(n + len(self._hubs)) >= n
        hubs[outer] = False
        # A hub with one way out, or one way in, brings nothing together and costs time.
        for end in ("source", "target"):
            arcs = _past(arcs, hubs & (np.bincount(arcs[end], minlength=len(hubs)) == 1))
        left = np.bincount(arcs["source"], minlength=len(hubs)) > 0
        left[outer] = True
        renumbered = np.cumsum(left) - 1
        return Graph(
            states=np.array(self._states, np.int32),
            numbers=np.array(self._numbers, np.int32),
            units=np.array(self._units, np.int32),
            first_arc=np.searchsorted(renumbered[arcs["source"]], np.arange(left.sum() + 1)),
            targets=renumbered[arcs["target"]].astype(np.int32),
            transitions=arcs["transition"],
            language=arcs["language"],
            sayings=arcs["saying"],
            begins=arcs["begins"],
            start=int(renumbered[outer[0]]),
            final=int(renumbered[outer[1]]),
            labels=np.array(list(self._labels), np.int32).reshape(-1, 4),
        )


def _past(arcs: np.ndarray, hubs: np.ndarray) -> np.ndarray:
    """Arcs, in order of their sources, without some hubs: what led to one leads on to wherever it led."""
    first = np.searchsorted(arcs["source"], np.arange(len(hubs) + 1))
    found = [arcs[:0]]
    here = arcs[~hubs[arcs["source"]]]
    while len(here):
        stops = hubs[here["target"]]
        found.append(here[~stops])
        ways = np.diff(first)[here["target"][stops]]
        before = np.repeat(here[stops], ways)
        nth = np.arange(len(before)) - np.repeat(np.cumsum(ways) - ways, ways)
        here = arcs[first[before["target"]] + nth]
        here["source"], here["transition"] = before["source"], before["transition"]
        here["language"] += before["language"]
        here["saying"] += before["saying"]
    joined = np.concatenate(found)
    return joined[np.argsort(joined["source"], kind="stable")]


def build(grammar: Grammar, tying: Tying, *, silence: bool = True) -> Graph:
    """The graph of a grammar.

    Args:
        silence: whether a silence may stand before, between and after tokens, where the grammar lets it; it is as likely as none.
    """
    return _Builder(grammar, tying, silence).build()
