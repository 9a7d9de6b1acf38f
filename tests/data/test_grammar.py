from __future__ import annotations

import numpy as np
import pytest

from speechrnn.data.grammar import GRAMMARS, grammar_of, sentences, vocabulary
from speechrnn.errors import UsageError


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_grammar_is_small_and_rich(language):
    grammar = GRAMMARS[language]
    found = sentences(grammar, 720, np.random.default_rng(0))
    assert len(set(found)) == 720
    assert {word for text in found for word in text.split()} == vocabulary(grammar)
    assert 55 <= len(vocabulary(grammar)) <= 100
    assert all(3 <= len(text.split()) <= 10 for text in found)
    assert not any("{" in text or text != " ".join(text.split()) for text in found)


def test_sentences_repeat_with_the_seed():
    grammar = grammar_of("en-gb-x-rp")
    first = sentences(grammar, 50, np.random.default_rng(1))
    assert first == sentences(grammar, 50, np.random.default_rng(1))
    assert first != sentences(grammar, 50, np.random.default_rng(2))


def test_an_exhausted_grammar_gives_what_it_has():
    assert sorted(sentences({"sentence": ("a {b}",), "b": ("c", "d")}, 10, np.random.default_rng(0))) == ["a c", "a d"]


def test_an_unknown_language_asks_for_sentences():
    with pytest.raises(UsageError, match="no grammar for 'sw', only for de, en, es, fr") as error:
        grammar_of("sw")
    assert "--sentences" in error.value.remedy
