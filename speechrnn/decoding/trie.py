"""A lexicon as a prefix tree of output symbols, in flat arrays for the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """N nodes in breadth-first order, the root first, so that the children of a node stand side by side.

    Attributes:
        first_child: int32, shape (N + 1,): children of node n are nodes first_child[n] to first_child[n + 1] (exclusive).
        token: int32, shape (N,): the symbol read on the way into a node; -1 at the root.
        first_word: int32, shape (N + 1,): the words ending at node n are entries first_word[n] to first_word[n + 1].
        word: int32, shape (E,): words by entry; homophones stand side by side.
        word_mass: float64, shape (E,): log probability of this pronunciation of the word.
        look_ahead: float64, shape (N,): the best that a word below can still gain; 0 at the root.
        parent: int32, shape (N,): -1 at the root.
    """

    first_child: np.ndarray
    token: np.ndarray
    first_word: np.ndarray
    word: np.ndarray
    word_mass: np.ndarray
    look_ahead: np.ndarray
    parent: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What the search takes."""
        return self.first_child, self.token, self.first_word, self.word, self.word_mass, self.look_ahead

    def spelling(self, node: int) -> list[int]:
        """The symbols from the root to a node."""
        symbols: list[int] = []
        while node > 0:
            symbols.append(int(self.token[node]))
            node = int(self.parent[node])
        return symbols[::-1]


def build_trie(entries: Iterable[tuple[int, Sequence[int], float]], gains: np.ndarray) -> Trie:
    """The trie of pronunciations.

    Args:
        entries: word, its symbols (one or more), log probability of the pronunciation.
        gains: shape (V,): what finding each word is worth at the best: language model, bonuses.

    Raises:
        ValueError: a word without symbols.
    """
    ordered = sorted(((tuple(symbols), word, mass) for word, symbols, mass in entries), key=lambda entry: entry[:2])
    if any(not symbols for symbols, _, _ in ordered):
        raise ValueError("a word without symbols")
    token, parent, ends_here, best = [-1], [-1], [(0, 0)], [-np.inf]
    first_child: list[int] = []
    # Each node stands for a run of the sorted entries that share its prefix: a level of the tree is one pass over the runs.
    runs = [(0, len(ordered), 0)]
    node = 0
    while node < len(runs):
        start, end, depth = runs[node]
        first_child.append(len(runs))
        stop = start
        while stop < end and len(ordered[stop][0]) == depth:
            stop += 1
        ends_here[node] = (start, stop)
        best[node] = max((gains[ordered[i][1]] + ordered[i][2] for i in range(start, end)), default=-np.inf)
        while stop < end:
            begin, symbol = stop, ordered[stop][0][depth]
            while stop < end and ordered[stop][0][depth] == symbol:
                stop += 1
            runs.append((begin, stop, depth + 1))
            token.append(symbol)
            parent.append(node)
            ends_here.append((0, 0))
            best.append(-np.inf)
        node += 1
    first_child.append(len(runs))
    word = [ordered[i][1] for start, stop in ends_here for i in range(start, stop)]
    mass = [ordered[i][2] for start, stop in ends_here for i in range(start, stop)]
    best[0] = 0.0
    return Trie(
        first_child=np.array(first_child, np.int32),
        token=np.array(token, np.int32),
        first_word=np.concatenate([[0], np.cumsum([stop - start for start, stop in ends_here])]).astype(np.int32),
        word=np.array(word, np.int32),
        word_mass=np.array(mass, np.float64),
        look_ahead=np.array(best, np.float64),
        parent=np.array(parent, np.int32),
    )
