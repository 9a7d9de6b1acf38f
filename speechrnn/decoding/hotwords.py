"""Hotwords: phrases that are more likely than the models know, such as names.

An automaton of all phrases (Aho and Corasick 1975) runs beside the search. Every symbol that leads on within a phrase earns its
share of the phrase's bonus at once, so that the beam does not lose the phrase before its end; whoever leaves the phrase
before its end gives back what was earned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class HotwordAutomaton:
    """States by symbols; symbol 0 is any that no phrase holds, state 0 the start.

    Attributes:
        symbols: int32, by item of the search: its symbol.
        next: int32, (states, symbols).
        gain: float64, (states, symbols): nats earned or given back.
        final: float64, (states,): the same at the end of the utterance.
    """

    symbols: np.ndarray
    next: np.ndarray
    gain: np.ndarray
    final: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What the search takes."""
        return self.symbols, self.next, self.gain, self.final


def build_automaton(phrases: Iterable[tuple[Sequence[int], float]], n_items: int, boundary: int = -1) -> HotwordAutomaton:
    """The automaton of phrases.

    Args:
        phrases: items of each and its bonus in nats, of which there can be several.
        n_items: how many items there are.
        boundary: the item of the word boundary: then phrases count as whole words only, and are given without the boundary
            at their ends. -1: there is none; phrases count wherever their items stand side by side.
    """
    total: dict[tuple[int, ...], float] = {}
    for items, weight in phrases:
        whole = (*items, boundary) if boundary >= 0 else tuple(items)
        total[whole] = total.get(whole, 0.0) + weight
    used = sorted({item for whole in total for item in whole})
    symbols = np.zeros(n_items, np.int32)
    symbols[used] = np.arange(1, len(used) + 1)
    n_symbols = len(used) + 1
    ends_word = int(symbols[boundary]) if boundary >= 0 and used else -1

    children: list[dict[int, int]] = [{}]
    open_credit, full_credit = [0.0], [0.0]

    def make() -> int:
        children.append({})
        open_credit.append(0.0)
        full_credit.append(0.0)
        return len(children) - 1

    # Where a symbol leads that is part of no phrase: back to the start, or into the rest of a word that no phrase begins.
    elsewhere = make() if boundary >= 0 else 0
    for whole, weight in total.items():
        node = 0
        for place, item in enumerate(whole):
            if node:
                open_credit[node] = max(open_credit[node], weight * place / len(whole))
            symbol = int(symbols[item])
            if symbol not in children[node]:
                children[node][symbol] = make()
            node = children[node][symbol]
        full_credit[node] += weight

    n = len(children)
    step = np.zeros((n, n_symbols), np.int32)
    step[0] = step[elsewhere] = elsewhere
    if ends_word >= 0:
        step[0, ends_word] = step[elsewhere, ends_word] = 0
    suffix = np.zeros(n, np.int32)
    waiting = []
    for symbol, child in children[0].items():
        suffix[child] = 0 if symbol == ends_word else elsewhere
        step[0, symbol] = child
        waiting.append(child)
    for node in waiting:
        step[node] = step[suffix[node]]
        full_credit[node] += full_credit[suffix[node]]
        for symbol, child in children[node].items():
            suffix[child] = step[node, symbol]
            step[node, symbol] = child
            waiting.append(child)
    # A suffix that is itself the beginning of a phrase keeps its share: the larger of the two.
    for node in waiting:
        open_credit[node] = max(open_credit[node], open_credit[suffix[node]])
    held, earned = np.array(open_credit), np.array(full_credit)
    gain = held[step] - held[:, None] + earned[step]
    final = -held + (earned[step[:, ends_word]] if ends_word >= 0 else 0.0)
    return HotwordAutomaton(symbols, step, gain, final)
