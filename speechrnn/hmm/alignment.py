"""A path through a graph as what it says: which phone, which token, from which frame to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from speechrnn.hmm.grammar import Pronunciation
from speechrnn.hmm.graph import Graph
from speechrnn.hmm.phones import ALONE, SILENCE, placed
from speechrnn.hmm.tree import ContextStatistics, Tying


@dataclass(frozen=True, eq=False)
class Segments:
    """N phones in order of time, over T frames.

    Attributes:
        states: int32, shape (T,): tied states.
        numbers: int32, shape (T,): number of the state within its phone.
        starts: int64, shape (N + 1,): first frame of each phone; the last entry is T.
        phones, places, tokens, indices: int32, shape (N,): phone; its place in the word; its token (-1: silence); its index in it.
    """

    states: np.ndarray = field(repr=False)
    numbers: np.ndarray = field(repr=False)
    starts: np.ndarray
    phones: np.ndarray
    places: np.ndarray
    tokens: np.ndarray
    indices: np.ndarray

    @property
    def speech(self) -> np.ndarray:
        """Which frames are no silence, bool, (T,)."""
        return np.repeat(self.phones != SILENCE, np.diff(self.starts))

    def contexts(self) -> list[tuple[int, int, int, int]]:
        """Phone, place, left and right neighbour of each; beyond the ends is silence."""
        phones = [SILENCE, *self.phones.tolist(), SILENCE]
        return list(zip(phones[1:-1], self.places.tolist(), phones[:-2], phones[2:], strict=True))


def segments(graph: Graph, path: np.ndarray) -> Segments:
    """What a path of emitting nodes (T,) says."""
    units, numbers = graph.units[path], graph.numbers[path]
    begins = np.empty(len(path), np.bool_)
    begins[:1] = True
    again = (numbers[1:] == 0) & (path[1:] != path[:-1])
    begins[1:] = (units[1:] != units[:-1]) | again
    starts = np.flatnonzero(begins)
    return Segments(graph.states[path], numbers, np.append(starts, len(path)), *graph.labels[units[starts]].T)


def even_alignment(
    tokens: Sequence[int], pronunciations: Mapping[int, Sequence[Pronunciation]], tying: Tying, frames: int, words: bool
) -> Segments:
    """A flat start: all states in turn of silence, the first pronunciations, and silence, laid evenly over some frames."""
    phones = [(SILENCE, ALONE, -1, 0)]
    for token in tokens:
        said = placed(pronunciations[token][0][0], words)
        phones += [(phone, place, token, index) for index, (phone, place) in enumerate(said)]
    phones.append((SILENCE, ALONE, -1, 0))
    # Which phone and which of its states each step of the way is.
    steps = [(i, k) for i, (phone, *_) in enumerate(phones) for k in range(tying.topology.states(phone))]
    taken = np.array(steps)[np.arange(frames) * len(steps) // frames]
    roots = tying.roots[[phone for phone, *_ in phones]]
    heard = np.unique(taken[:, 0])
    starts = np.append(np.searchsorted(taken[:, 0], heard), frames)
    return Segments(roots[taken[:, 0], taken[:, 1]], taken[:, 1], starts, *np.array(phones, np.int32)[heard].T)


def retied(alignment: Segments, tying: Tying) -> Segments:
    """The same phones with the tied states of another tree."""
    states = np.empty_like(alignment.states)
    bounds = zip(alignment.starts[:-1].tolist(), alignment.starts[1:].tolist(), strict=True)
    for context, (start, end) in zip(alignment.contexts(), bounds, strict=True):
        states[start:end] = np.array(tying.states(*context))[alignment.numbers[start:end]]
    return replace(alignment, states=states)


def context_statistics(alignment: Segments, frames: np.ndarray, seen: ContextStatistics) -> None:
    """Count in frames (T, D): each run in a state of a phone, for that phone's context."""
    begins = np.append(True, alignment.numbers[1:] != alignment.numbers[:-1])
    begins[alignment.starts[:-1]] = True
    first = np.flatnonzero(begins)
    which = np.searchsorted(alignment.starts, first, side="right") - 1
    contexts = alignment.contexts()
    for start, end, i in zip(first.tolist(), [*first[1:].tolist(), len(frames)], which.tolist(), strict=True):
        phone, place, left, right = contexts[i]
        key = (phone, int(alignment.numbers[start]), place, left, right)
        seen.add(key if phone != SILENCE else (*key[:3], SILENCE, SILENCE), frames[start:end])


def count_transitions(tying: Tying, alignments: Sequence[Segments]) -> np.ndarray:
    """How often each transition is taken, by tying's numbers."""
    first, topology = tying.first_transition, tying.topology
    width = max(topology.silence_states, topology.phone_states)
    # Which of its state's transitions leads to which state: of silence, of other phones.
    nth = np.zeros((2, width, width + 1), np.int64)
    for kind, phone in enumerate((SILENCE, SILENCE + 1)):
        taken: dict[int, int] = {}
        for k, to in topology.arcs(phone):
            nth[kind, k, to] = taken[k] = taken.get(k, -1) + 1
    # All frames in a row; the last one of each utterance is left for nothing.
    lengths = np.array([len(a.states) for a in alignments])
    ends = np.cumsum(lengths)
    begins = np.concatenate([a.starts[:-1] + before for a, before in zip(alignments, (ends - lengths).tolist(), strict=True)])
    states, numbers = (np.concatenate([getattr(a, name) for a in alignments]) for name in ("states", "numbers"))
    spoken = np.repeat(np.concatenate([a.phones for a in alignments]) != SILENCE, np.diff(np.append(begins, len(states))))
    entered = np.zeros(len(states), np.bool_)
    entered[begins] = True
    here = np.delete(np.arange(len(states)), ends - 1)
    size = np.where(spoken, topology.phone_states, topology.silence_states)[here]
    following = np.where(entered[here + 1], size, numbers[here + 1])
    taken_ways = first[states[here]] + nth[spoken[here].astype(np.int64), numbers[here], following]
    return np.bincount(taken_ways, minlength=first[-1]).astype(np.float64)
