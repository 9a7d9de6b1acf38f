"""The automaton against counting phrases in the whole text."""

from __future__ import annotations

import itertools

import pytest

from speechrnn.decoding.hotwords import HotwordAutomaton, build_automaton


def total(automaton: HotwordAutomaton, items: tuple[int, ...]) -> float:
    state, earned = 0, 0.0
    for item in items:
        symbol = automaton.symbols[item]
        earned += automaton.gain[state, symbol]
        state = automaton.next[state, symbol]
    return earned + automaton.final[state]


def occurrences(items: tuple[int, ...], phrase: tuple[int, ...]) -> int:
    return sum(items[i : i + len(phrase)] == phrase for i in range(len(items) - len(phrase) + 1))


@pytest.mark.parametrize(
    "phrases",
    [
        [((1,), 2.0)],
        [((1, 2), 3.0), ((2, 1, 2), 1.5), ((1,), 0.25)],
        [((1, 1), 1.0), ((1, 1, 2, 1), 4.0), ((3, 1, 1), 2.0)],
        [((1, 2, 3), 1.0), ((2, 3), 1.0), ((3,), 1.0), ((1, 2), -2.0)],
        [],
    ],
)
def test_what_is_earned_in_all_is_the_bonus_of_every_occurrence(phrases: list[tuple[tuple[int, ...], float]]) -> None:
    automaton = build_automaton(phrases, 4)
    for length in range(6):
        for items in itertools.product(range(4), repeat=length):
            expected = sum(bonus * occurrences(items, phrase) for phrase, bonus in phrases)
            assert total(automaton, items) == pytest.approx(expected), items


@pytest.mark.parametrize(
    "phrases", [[((1,), 2.0)], [((1, 2), 3.0), ((1,), 1.0)], [((1, 0, 2), 5.0), ((2,), 1.0), ((2, 0, 1), 2.0)], [((2, 2, 1), 1.0)]]
)
def test_with_a_boundary_only_whole_words_count(phrases: list[tuple[tuple[int, ...], float]]) -> None:
    automaton = build_automaton(phrases, 4, boundary=0)
    for length in range(7):
        for items in itertools.product(range(4), repeat=length):
            # Boundaries side by side are none of a phrase's, so texts with them are not looked at.
            if any(pair == (0, 0) for pair in itertools.pairwise(items)) or items[:1] == (0,):
                continue
            text = (0, *items, *(() if items[-1:] == (0,) else (0,)))
            expected = sum(bonus * occurrences(text, (0, *phrase, 0)) for phrase, bonus in phrases)
            assert total(automaton, items) == pytest.approx(expected), items


def test_a_phrase_begun_is_paid_in_shares() -> None:
    automaton = build_automaton([((1, 2, 3), 6.0)], 5)
    assert [automaton.gain[0, automaton.symbols[1]], automaton.gain[1, automaton.symbols[2]]] == [2.0, 2.0]
    assert automaton.gain[2, automaton.symbols[4]] == -4.0
