"""The rule for texts: what is removed, in every Unicode form."""

import unicodedata

import pytest

from speechrnn.text.graphemes import graphemes
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import learn_tokens


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD", "none"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_an_accented_letter_is_removed_and_its_base_stays(form, written):
    text = unicodedata.normalize(written, "tête é, e.")
    remove = unicodedata.normalize(written, "é.")
    found = normalize(text, TextOptions(unicode=form, remove=remove))
    assert unicodedata.normalize("NFC", found) == "tête , e"
    assert unicodedata.normalize("NFC", normalize(text, TextOptions(unicode=form, remove="e"))) == "têt é, ."


def test_a_mark_that_follows_no_letter_is_removed_by_itself():
    text = "wá ɛ\u0301"
    for remove in ("\u0301", ".\u0301"):
        assert normalize(text, TextOptions(remove=remove)) == "wá ɛ"
        assert normalize(text, TextOptions(unicode="NFD", remove=remove)) == "wa ɛ"


def test_what_is_removed_is_looked_for_after_the_change_of_case():
    assert normalize("Éa", TextOptions(case="lower", remove="é")) == "a"
    assert normalize("ẹ\u0301", TextOptions(remove="\u0323")) == "ẹ\u0301"


def test_marks_and_joiners_are_no_letters_of_their_own():
    assert graphemes("क्षि") == ["क्", "षि"]
    assert graphemes("क्\u200dष") == ["क्\u200d", "ष"]
    assert graphemes("👩\u200d👩") == ["👩\u200d", "👩"]
    assert graphemes("กำ") == ["ก", "ำ"]
    assert graphemes("\u0301a") == ["\u0301", "a"]
    tokens = learn_tokens(["👩\u200d👩 क्षि กำ ɔ\u0300"], "letters")
    assert not {"\u200d", "ि", "्", "\u0300"} & set(tokens)
