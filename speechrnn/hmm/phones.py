"""Phones, their places in words, and the hidden Markov model of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

SILENCE = 0
"""Index of the silence model among the phones."""
SILENCE_NAME = "<sil>"
ALONE, FIRST, INNER, LAST = range(4)
"""Places of a phone in its word; without words every phone is ``ALONE``."""
PLACES = 4
_ENTRY_PROBABILITY = 0.5
"""Of staying in a state, before anything is counted."""


@dataclass(frozen=True)
class Topology:
    """Which states a model has and which follow which (Rabiner 1989).

    A phone has ``phone_states`` from left to right, none skipped. Silence has ``silence_states``: from the first one enters any of
    the middle ones, the middle ones follow each other in any order, and the last one ends it, so that a short click and a long
    pause fit alike; with fewer than four it is like a phone.

    Attributes:
        names: the phones; index 0 is silence.
        phone_states, silence_states: states of each.
    """

    names: tuple[str, ...]
    phone_states: int = 3
    silence_states: int = 5

    @cached_property
    def index(self) -> dict[str, int]:
        """Phone to index."""
        return {name: i for i, name in enumerate(self.names)}

    def states(self, phone: int) -> int:
        """Number of states of a phone."""
        return self.silence_states if phone == SILENCE else self.phone_states

    def arcs(self, phone: int) -> tuple[tuple[int, int], ...]:
        """From state, to state; to the number of states is the way out. In the order of the states left."""
        n = self.states(phone)
        if phone != SILENCE or n < 4:
            return tuple(arc for k in range(n) for arc in ((k, k), (k, k + 1)))
        middle = range(1, n - 1)
        inside = [(k, j) for k in middle for j in range(1, n)]
        return ((0, 0), *((0, j) for j in middle), *inside, (n - 1, n - 1), (n - 1, n))


def phone_names(pronunciations: Mapping[str, Sequence[Sequence[str]]]) -> tuple[str, ...]:
    """Silence and every phone of a lexicon, in code point order."""
    phones: set[str] = set()
    for variants in pronunciations.values():
        for variant in variants:
            phones.update(variant)
    return (SILENCE_NAME, *sorted(phones))


def placed(phones: Sequence[int], words: bool) -> list[tuple[int, int]]:
    """Phones of a pronunciation with their places in it; all ``ALONE`` where the units are not words."""
    last = len(phones) - 1
    if not words or last == 0:
        return [(phone, ALONE) for phone in phones]
    return [(phone, FIRST if i == 0 else LAST if i == last else INNER) for i, phone in enumerate(phones)]
