"""Tokenizers: round trips, longest match, ambiguity, other scripts, faults by code point."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer, UnknownSymbol, learn_tokens, read_tokens

texts = st.lists(st.text("abcɓŋέώ漢字ा", min_size=1, max_size=6), max_size=5).map(" ".join).map(normalize)


@given(texts)
def test_chars_round_trip(text):
    assert (t := Tokenizer(learn_tokens([text], "chars"), "chars")).decode(t.encode(text)) == text


@given(texts)
def test_letters_drop_the_word_boundary_only(text):
    t = Tokenizer(learn_tokens([text], "letters"), "letters")
    assert SPACE not in t.tokens
    assert t.decode(t.encode(text)) == text.replace(" ", "")


def test_no_letter_is_read_across_two_words():
    t = Tokenizer((BLANK, "a", "ab", "b"), "letters")
    assert [t.tokens[i] for i in t.encode("a b ab")] == ["a", "b", "ab"]


def test_longest_match_and_ambiguities():
    t = Tokenizer((BLANK, "b", "g", "m", "mb", "n", "ng", "ngb"), "letters")
    assert [t.tokens[i] for i in t.encode("mbngbng")] == ["mb", "ngb", "ng"]
    assert t.ambiguities(["mbngbng", "nmb"]) == {"mb": 2, "ngb": 1, "ng": 1}
    assert not Tokenizer((BLANK, "n", "ny"), "letters").ambiguities(["nyn"])


def all_readings(text: str, tokens: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not text:
        return [()]
    return [(token, *rest) for token in tokens if text.startswith(token) for rest in all_readings(text[len(token) :], tokens)]


def borders(reading: tuple[str, ...]) -> list[tuple[int, str]]:
    return [(sum(map(len, reading[:index])), token) for index, token in enumerate(reading)]


def test_readings_that_cross_a_border_are_counted():
    t = Tokenizer((BLANK, "a", "ab", "bc", "c"), "letters")
    assert t.ambiguities(["abc", "abab", "cab", "bcc"]) == {"ab": 1, "c": 1}
    assert Tokenizer((BLANK, SPACE, "a", "ab", "bc", "c"), "chars").ambiguities(["ab c", "c abc"]) == {"ab": 1, "c": 1}


@given(st.text("abc", max_size=7), st.sets(st.sampled_from(["ab", "bc", "abc", "ca", "aa", "bca"])))
def test_ambiguities_are_those_of_all_readings(text, long):
    tokens = ("a", "b", "c", *sorted(long))
    t = Tokenizer((BLANK, *tokens), "letters")
    chosen = borders(tuple(t.tokens[index] for index in t.encode(text)))
    every = [borders(reading) for reading in all_readings(text, tokens)]
    assert t.ambiguities([text]) == Counter(piece[1] for piece in chosen if any(piece not in other for other in every))


def test_a_tone_mark_stays_with_its_vowel():
    word = unicodedata.normalize("NFC", "ɛ\u0301ɔ\u0300a\u0301")
    assert learn_tokens([word], "letters") == (BLANK, "á", "ɔ̀", "ɛ́")


def test_nfd_and_nfc_are_one_after_normalization():
    t = Tokenizer(learn_tokens(["wá"], "chars"), "chars")
    assert t.encode(normalize("wa\u0301")) == t.encode("wá")
    assert normalize("wá", TextOptions(unicode="NFD")) == "wa\u0301"
    assert normalize("wa\u0301", TextOptions(unicode="none")) == "wa\u0301"


def test_an_unknown_symbol_is_named_by_code_point_and_place():
    with pytest.raises(UnknownSymbol, match=r"'ɛ' \(U\+025B LATIN SMALL LETTER OPEN E\) at position 2 of 'aɛ'"):
        Tokenizer((BLANK, "a", "ε"), "letters").encode("aɛ")


def test_phones_take_the_first_pronunciation():
    t = Tokenizer((BLANK, "AH", "EY", "B"), "phones", {"A": [("AH",), ("EY",)], "B": [("B", "EY")]})
    assert t.encode("A B A") == [1, 3, 2, 1]
    assert t.decode([1, 3, 2]) == "AH B EY"
    with pytest.raises(DataError, match="'C' has no pronunciation"):
        t.encode("A C")
    with pytest.raises(DataError, match="phone 'ZH'"):
        Tokenizer((BLANK, "B"), "phones", {"A": [("ZH",)]}).encode("A")


def test_files_round_trip_and_are_read_generously(tmp_path):
    file = tmp_path / "tokens.txt"
    file.write_text(f"{BLANK}\n{SPACE}\na\nŋ\n", encoding="utf-8")
    assert read_tokens(file) == (BLANK, SPACE, "a", "ŋ")
    file.write_bytes("\ufeffwa\u0301\r\n \r\nb".encode())
    assert read_tokens(file) == (BLANK, "wá", SPACE, "b")


@pytest.mark.parametrize(
    ("content", "message"), [(b"a\n\nb\n", "line 2: empty"), (b"\xfa\xfb", "not utf-8"), (b"", "empty"), (None, "no such file")]
)
def test_bad_files_are_named_with_their_line(tmp_path, content, message):
    file = tmp_path / "tokens.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_tokens(file)


@pytest.mark.parametrize("tokens", [("a",), (BLANK, "a", "a"), (BLANK, ""), ()])
def test_impossible_inventories_are_refused(tokens):
    with pytest.raises(DataError):
        Tokenizer(tokens, "chars")
