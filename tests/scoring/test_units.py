from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.scoring.units import characters, hypothesis_tokens, reference_tokens, split_letters, words
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

LETTERS = (BLANK, "a", "b", "k", "kp", "kpa", "á", "ε", "?", ".")


@settings(deadline=None)
@given(st.lists(st.sampled_from([*LETTERS[1:], " "])).map("".join))
def test_letters_are_split_as_the_tokenizer_splits_them(text: str) -> None:
    tokenizer = Tokenizer(LETTERS, "letters")
    assert reference_tokens(tokenizer, text) == tuple(tokenizer.tokens[index] for index in tokenizer.encode(text))


def test_a_letter_the_model_lacks_stays_a_reference_token() -> None:
    assert reference_tokens(Tokenizer((BLANK, "k", "kp", "a"), "letters"), "kpa pa\nñ") == ("kp", "a", "p", "a", "\n", "ñ")


def test_phones_come_from_the_first_pronunciation() -> None:
    tokenizer = Tokenizer((BLANK, "AH", "EY", "B"), "phones", {"A": [("AH",), ("EY",)], "B": [("B",)]})
    assert reference_tokens(tokenizer, "A B A") == ("AH", "B", "AH")
    with pytest.raises(DataError, match="'X' has no pronunciation"):
        reference_tokens(tokenizer, "A X")


def test_word_boundaries_are_dropped_on_both_sides() -> None:
    assert split_letters("a b", [SPACE, "a", "b"]) == ("a", "b")
    assert hypothesis_tokens(["a", SPACE, "b", " "]) == ("a", "b")


def test_characters_keep_single_spaces_and_words_none() -> None:
    assert characters("  né  o ") == ["n", "é", " ", "o"]
    assert words("  né  o ") == ["né", "o"]
    assert characters("") == words("") == []
