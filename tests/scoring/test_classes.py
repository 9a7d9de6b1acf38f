from __future__ import annotations

import pytest

from speechrnn.scoring.classes import class_rates, kind
from speechrnn.scoring.rates import Counts
from speechrnn.scoring.results import Item


def rates(*pairs: tuple[str, str], unit: str = "letters") -> dict[str, Counts]:
    items = [Item(f"u{n}", "", "", tuple(r.split()), tuple(h.split())) for n, (r, h) in enumerate(pairs)]
    return {rate.name: rate.counts for rate in class_rates(items, unit)}


def test_each_class_is_counted_by_itself() -> None:
    found = rates(("b á k o", "p á o i"), ("ω m", "ώ m"))
    assert found == {
        "consonants": Counts(2, 3, 0, 1, 1),
        "vowels": Counts(1, 3, 1, 0, 0),
        "tone": Counts(2, 3, 1, 0, 1),
    }


def test_tone_alone_and_vowel_alone_are_told_apart() -> None:
    assert {name: counts.errors for name, counts in rates(("k á", "k a")).items()} == {"consonants": 0, "vowels": 0, "tone": 1}
    assert {name: counts.errors for name, counts in rates(("k á", "k é")).items()} == {"consonants": 0, "vowels": 1, "tone": 0}


def test_without_tone_in_the_references_there_is_no_such_class() -> None:
    assert set(rates(("AH0 T", "AE T"), unit="phones")) == {"consonants", "vowels"}


@pytest.mark.parametrize("odd", ["木", "कि", "5"])
def test_where_a_label_has_no_class_there_are_none(odd: str) -> None:
    assert rates((f"a {odd}", "a")) == {}
    assert rates(("a", f"a {odd}")) == {}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kp", "consonant"),
        ("Á", "vowel"),
        ("ʼb", "consonant"),
        ("ˈa", "vowel"),
        ("ч", "consonant"),
        ("я", "vowel"),
        ("NG", "consonant"),
    ],
)
def test_kinds(token: str, expected: str) -> None:
    assert kind(token, "letters") == expected


def test_decomposed_and_composed_letters_are_alike() -> None:
    assert rates(("k a\u0301", "k á")) | {} == rates(("k á", "k á"))
