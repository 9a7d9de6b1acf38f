from __future__ import annotations

from pathlib import Path

import pytest

from speechrnn.errors import DataError, UsageError
from speechrnn.lm.units import Splitter, UnitOptions
from speechrnn.text.normalize import TextOptions


def tokens(line: str, **options) -> list[str]:
    return Splitter(UnitOptions(**options)).tokens(line, "text, line 1")


def test_words_are_normalized_first() -> None:
    assert tokens(" Wa\u0301  o.\u3000B ", text=TextOptions(case="lower", remove=".")) == ["wá", "o", "b"]


def test_letters_keep_their_marks_and_drop_or_name_spaces() -> None:
    assert tokens("ɔ̀ba ŋ", unit="letter") == ["ɔ̀", "b", "a", "ŋ"]
    assert tokens(" ba  a ", unit="letter", word_boundary=True) == ["b", "a", "<space>", "a"]


def test_letters_by_longest_match_within_words(tmp_path: Path) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text("<blank>\n<space>\na\nk\nkp\np\n", encoding="utf-8")
    assert tokens("kpak pa", unit="letter", tokens=path) == ["kp", "a", "k", "p", "a"]
    assert tokens("ak pa", unit="letter", tokens=path, word_boundary=True) == ["a", "k", "<space>", "p", "a"]
    with pytest.raises(DataError, match=r"text, line 1: the symbol 'x' of the word 'kax' is not in .*tokens.txt"):
        tokens("a kax", unit="letter", tokens=path)


def test_phones_are_those_of_first_pronunciations_and_missing_words_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text("a\tAH\na\tEY\nbe\tB IY\n", encoding="utf-8")
    splitter = Splitter(UnitOptions("phone", lexicon=path))
    assert splitter.tokens("be a", "text, line 1") == ["B", "IY", "AH"]
    splitter.check()
    splitter.tokens("x a y y", "text, line 2")
    with pytest.raises(DataError, match=r"2 words of the texts are not in it: y \(2\), x \(1\)"):
        splitter.check()


def test_phones_without_lexicon_stand_between_spaces() -> None:
    assert tokens("B IY", unit="phone") == ["B", "IY"]


@pytest.mark.parametrize("word", ["<s>", "</s>", "<unk>"])
def test_a_models_own_words_are_refused_with_their_place(word: str) -> None:
    with pytest.raises(DataError, match=f"text, line 1: the word {word} is the model's own"):
        tokens(f"a {word}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "syllable"}, "the unit is 'syllable'"),
        ({"lexicon": Path("a")}, "a lexicon is of use for phones, and the unit is word"),
        ({"tokens": Path("a"), "unit": "phone"}, "a tokens.txt is of use for letters"),
        ({"word_boundary": True}, "the word boundary is of use for letters"),
    ],
)
def test_options_that_do_not_go_together(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        UnitOptions(**options)
