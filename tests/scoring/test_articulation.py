"""Distances between sounds, against PanPhon's own where it has one."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from speechrnn.errors import MissingExtra
from speechrnn.scoring import articulation
from speechrnn.scoring.articulation import Articulation

needs_panphon = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("panphon") is None, reason="the extra report is not installed"
)
IPA = [
    "p",
    "b",
    "t",
    "d",
    "k",
    "ɡ",
    "m",
    "n",
    "ŋ",
    "f",
    "v",
    "s",
    "z",
    "ʃ",
    "l",
    "ɹ",
    "j",
    "w",
    "i",
    "e",
    "ɛ",
    "a",
    "ɔ",
    "o",
    "u",
    "y",
]


def panphons_distance() -> Any:
    Articulation(["a"], "phones")
    from panphon.distance import Distance

    return Distance()


@needs_panphon
def test_distances_equal_panphons_hamming_distance_over_all_pairs() -> None:
    theirs = panphons_distance()
    sounds = Articulation(IPA, "phones")
    for a in IPA:
        for b in IPA:
            assert sounds.distance(a, b) == pytest.approx(theirs.hamming_feature_edit_distance(a, b))


@needs_panphon
def test_errors_of_sequences_equal_panphons_edit_distance() -> None:
    generator = random.Random(3)
    theirs = panphons_distance()
    sounds = Articulation(IPA, "phones")
    for _ in range(100):
        reference, hypothesis = (generator.choices(IPA, k=generator.randint(0, 8)) for _ in range(2))
        expected = theirs.hamming_feature_edit_distance("".join(reference), "".join(hypothesis))
        assert sounds.errors([(reference, hypothesis)]) == pytest.approx(expected)


@needs_panphon
def test_arpabet_orthography_and_tone_have_sounds() -> None:
    arpabet = Articulation(list(articulation._ARPABET), "phones")
    assert arpabet.unknown == []
    assert arpabet.distance("P", "B") == Articulation(["p", "b"], "phones").distance("p", "b")
    assert 0 < arpabet.distance("EY", "EH") < 0.6
    letters = Articulation(["á", "a", "à", "g", "ω", "ε", "y", "kp", "ч"], "letters")
    assert letters.unknown == ["ч"]
    assert letters.distance("ч", "a") == 1
    assert letters.distance("á", "a") == pytest.approx(1 / 24)
    assert letters.distance("á", "a") <= letters.distance("á", "à") < letters.distance("a", "ω")
    assert all(letters.distance(a, b) == letters.distance(b, a) for a in letters.labels for b in letters.labels)


@needs_panphon
def test_labels_are_ordered_as_in_a_table_of_sounds() -> None:
    assert Articulation(list("zakpsnimubt"), "phones").order() == list("iuapbtkszmn")
    order = Articulation(["JH", "CH", "T", "S", "M", "L", "R", "W", "AA", "IY"], "phones").order()
    assert order == ["IY", "AA", "T", "CH", "JH", "S", "M", "L", "W", "R"]
    assert Articulation(["木", "b", "á", "a"], "letters").order() == ["a", "á", "b", "木"]


def test_a_missing_panphon_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "panphon", None)
    articulation._table.cache_clear()
    with pytest.raises(MissingExtra, match="panphon") as caught:
        Articulation(["a"], "phones")
    assert "speechrnn[report]" in caught.value.remedy
    articulation._table.cache_clear()
