"""n-gram models as acceptors: every sentence has the probability that the model gives it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

from speechrnn.hmm.grammar import Grammar, from_arpa
from speechrnn.lm.arpa_writer import write_arpa
from speechrnn.lm.estimate import EstimateOptions, estimate
from speechrnn.lm.ngram import NgramModel

TOKENS = {"a": 0, "b": 1, "c": 2}
SAYINGS = {i: [((i + 1,), 0.0)] for i in range(3)}
TEXTS = ["abba", "cab", "abc", "bb", "acab", "bacab", "c", "abab", "cabba"]


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "lm.arpa"
    write_arpa(path, estimate(map(list, TEXTS), EstimateOptions(order=3, smoothing="witten-bell")))
    return path


def sentence_score(grammar: Grammar, tokens: list[int]) -> float:
    """Log probability by explicit arcs where there are any, backoff weights where not."""
    state, total = grammar.start, 0.0
    for token in tokens:
        while all(arc[0] != token for arc in grammar.arcs.get(state, ())):
            state, weight = grammar.backoff[state]
            total += weight
        _, after, log_prob = next(arc for arc in grammar.arcs[state] if arc[0] == token)
        state, total = after, total + log_prob
    while state not in grammar.finals:
        state, weight = grammar.backoff[state]
        total += weight
    return total + grammar.finals[state]


def test_sentences_score_as_the_model_scores_them(arpa: Path) -> None:
    grammar, model = from_arpa(arpa, TOKENS, SAYINGS), NgramModel.read_arpa(arpa)
    for length in range(1, 5):
        for letters in itertools.product("abc", repeat=length):
            expected = float(model.score(letters).sum())
            assert sentence_score(grammar, [TOKENS[letter] for letter in letters]) == pytest.approx(expected, abs=1e-4)


def test_words_that_may_not_be_said_have_no_arcs(arpa: Path) -> None:
    grammar = from_arpa(arpa, {"a": 0, "c": 1}, {0: [((1,), 0.0)], 1: [((2,), 0.0)]})
    assert {token for arcs in grammar.arcs.values() for token, _, _ in arcs} == {0, 1}
    known = set(grammar.arcs) | set(grammar.finals) | set(grammar.backoff)
    assert all(after in known or after == 0 for arcs in grammar.arcs.values() for _, after, _ in arcs)


def test_after_a_pause_between_letters_only_the_last_is_remembered(arpa: Path) -> None:
    assert from_arpa(arpa, TOKENS, SAYINGS).pauses is None, "words are remembered"
    grammar = from_arpa(arpa, TOKENS, SAYINGS, words=False)
    assert grammar.pauses is not None
    by_letter = {token: after for token, after, _ in grammar.arcs[0]}
    for state, arcs in grammar.arcs.items():
        for token, after, _ in arcs:
            assert grammar.pauses[after] == by_letter[token], (state, token)
    assert grammar.pauses[0] == 0
    assert math.isfinite(sentence_score(grammar, [0, 1]))
