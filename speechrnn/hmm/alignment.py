"""A path through a graph as what it says: which phone, which token, from which frame to which."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from speechrnn.hmm.graph import Graph
from speechrnn.hmm.phones import SILENCE


@dataclass(frozen=True, eq=False)
class Segments:
    """N phones in order of time, over T frames.

    Attributes:
        states: int32, shape (T,): tied states.
        numbers: int32, shape (T,): number of the state within its phone.
        starts: int64, shape (N + 1,): first frame of each phone; the last entry is T.
        phones, places, tokens, indices: int32, shape (N,): phone; its place in the word; its token (-1 for silence); its index in it.
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
    units = graph.units[path]
    begins = np.empty(len(path), np.bool_)
    begins[:1] = True
    again = (path[1:] == graph.chains[units[1:], 4]) & (path[1:] != path[:-1])
    begins[1:] = (units[1:] != units[:-1]) | again
    starts = np.flatnonzero(begins)
    phones, places, tokens, indices, _ = graph.chains[units[starts]].T
    return Segments(graph.states[path], path - graph.chains[units, 4], np.append(starts, len(path)), phones, places, tokens, indices)
