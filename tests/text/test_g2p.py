"""Pronunciations: what a lexicon has, what eSpeak says, what neither can."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from speechrnn.cli.main import run
from speechrnn.errors import DataError, UsageError
from speechrnn.text.g2p import CONSONANTS, VOWELS, pronunciations, to_arpabet
from speechrnn.text.lexicon import read_lexicon

espeak = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra synth is not installed")

CMUDICT = {
    "hello": "HH AH0 L OW1",
    "water": "W AO1 T ER0",
    "button": "B AH1 T AH0 N",
    "church": "CH ER1 CH",
    "judge": "JH AH1 JH",
    "thing": "TH IH1 NG",
    "vision": "V IH1 ZH AH0 N",
    "boy": "B OY1",
    "start": "S T AA1 R T",
    "bottle": "B AA1 T AH0 L",
    "yellow": "Y EH1 L OW0",
    "happy": "HH AE1 P IY0",
    "the": "DH AH0",
    "about": "AH0 B AW1 T",
}
"""Words of which the published dictionary of Carnegie Mellon University says the same."""


def test_arpabet_has_its_39_symbols() -> None:
    assert (len(VOWELS), len(CONSONANTS)) == (15, 24)


def test_stress_goes_to_the_first_vowel_of_a_phone() -> None:
    assert to_arpabet(("f", "ˈaɪɚ"), stress=True) == ("F", "AY1", "ER0")
    assert to_arpabet(("f", "ˈaɪɚ")) == ("F", "AY", "ER")
    assert to_arpabet(("b", "ˈʌ", "ɾ", "ɚ", "f", "l", "ˌaɪ"), stress=True) == ("B", "AH1", "T", "ER0", "F", "L", "AY2")
    with pytest.raises(KeyError):
        to_arpabet(("ɬ",))


@espeak
def test_english_in_arpabet_is_as_in_cmudict() -> None:
    found = pronunciations(CMUDICT, "en-us", {}, "arpabet", stress=True)
    assert {word: " ".join(phones) for word, (phones,) in found.lexicon.items()} == CMUDICT
    plain = pronunciations(CMUDICT, "en-us", {}, "arpabet")
    assert {phone for (phones,) in plain.lexicon.values() for phone in phones} <= VOWELS | CONSONANTS


@espeak
def test_ipa_with_and_without_stress() -> None:
    assert pronunciations(["hello"], "en-us", {}).lexicon == {"hello": [("h", "ə", "l", "oʊ")]}
    assert pronunciations(["hello"], "en-us", {}, stress=True).lexicon == {"hello": [("h", "ə", "l", "ˈoʊ")]}


@espeak
def test_the_lexicon_comes_first_with_all_it_has() -> None:
    lexicon = {"READ": [("R", "IY", "D"), ("R", "EH", "D")], "UNUSED": [("qq",)]}
    found = pronunciations(["READ", "WATER", "READ"], "en-us", lexicon, "arpabet")
    assert found.lexicon == {"READ": lexicon["READ"], "WATER": [("W", "AO", "T", "ER")]}
    assert found.by_rule == ("WATER",)


def test_words_that_the_lexicon_has_need_no_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechrnn.text.g2p.pronounce", lambda *_, **__: pytest.fail("asked"))
    found = pronunciations(["a", "7"], "sw", {"a": [("a",)], "7": [("s", "a")]})
    assert (list(found.lexicon), found.by_rule, found.unknown) == (["a", "7"], (), {})


def test_stress_of_the_lexicon_is_dropped_where_none_is_asked_for() -> None:
    lexicon = {"A": [("AH0",), ("AH1",), ("EY1",)]}
    assert pronunciations(["A"], "en-us", lexicon, "arpabet").lexicon == {"A": [("AH",), ("EY",)]}
    assert pronunciations(["A"], "en-us", lexicon, "arpabet", stress=True).lexicon == lexicon
    assert pronunciations(["a"], "de", {"a": [("ˈaː",)]}).lexicon == {"a": [("aː",)]}


@espeak
def test_capitals_are_no_abbreviations() -> None:
    found = pronunciations(["IT", "it", "BBC"], "en-us", {}).lexicon
    assert found["IT"] == found["it"] == [("ɪ", "t")]
    assert len(found["BBC"][0]) == 6


@espeak
def test_what_cannot_be_pronounced_is_named() -> None:
    found = pronunciations(["fine", "123", "Москва", "北京", "...", "cllang"], "en-us", {}, "arpabet")
    assert list(found.lexicon) == ["fine"]
    assert found.unknown == {
        "123": "it has no letters",
        "Москва": "en-us is not written with М, о, с, к, в and 1 more",
        "北京": "en-us is not written with 北, 京",
        "...": "it has no letters",
        "cllang": "ARPAbet has nothing for ɬ (s iː ɬ æ ŋ ɡ)",
    }
    assert "мир" in pronunciations(["мир", "world"], "ru", {}).lexicon
    assert list(pronunciations(["мир", "world"], "ru", {}).unknown) == ["world"]


@espeak
def test_the_same_words_are_the_same_in_any_order() -> None:
    words = ["water", "naïve", "don't", "mother-in-law", "e\u0301te\u0301"]
    forward, backward = pronunciations(words, "en-us", {}), pronunciations(words[::-1], "en-us", {})
    assert forward.lexicon == backward.lexicon
    assert "été" in forward.lexicon


def test_mixed_alphabets_and_wrong_calls_are_refused() -> None:
    with pytest.raises(DataError, match=r"phones that are not ARPAbet: ɒ \(in a\)"):
        pronunciations(["a"], "en-gb-x-rp", {"a": [("ɒ",)]}, "arpabet")
    with pytest.raises(DataError, match=r"not ARPAbet with stress: AH \(in A\)"):
        pronunciations(["A"], "en-us", {"A": [("AH",)]}, "arpabet", stress=True)
    with pytest.raises(DataError, match="the lexicon is in ARPAbet: AH"):
        pronunciations(["A"], "en-us", {"A": [("AH0",)]})
    with pytest.raises(UsageError, match="ARPAbet writes English, not de"):
        pronunciations(["a"], "de", {}, "arpabet")
    with pytest.raises(UsageError, match="the alphabet 'sampa'"):
        pronunciations(["a"], "de", {}, "sampa")


@espeak
def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(DataError, match="there is no voice 'xx'"):
        pronunciations(["a"], "xx", {})


@espeak
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.txt").write_text("AND\tAE N D\nAND\tAH N D\n")
    (tmp_path / "text.txt").write_text("WATER AND\nWATER\n")
    command = [
        "lexicon",
        "BOY",
        "--text",
        str(tmp_path / "text.txt"),
        "--lexicon",
        str(tmp_path / "own.txt"),
        "--alphabet",
        "arpabet",
    ]
    assert run(command) == 0
    assert capsys.readouterr().out == "AND\tAE N D\nAND\tAH N D\nBOY\tB OY\nWATER\tW AO T ER\n"
    assert run([*command, "123", "-o", str(tmp_path / "out.txt")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: 123: it has no letters" in said.err
    assert "3 words, 2 of them by eSpeak NG" in said.err
    assert list(read_lexicon(tmp_path / "out.txt")) == ["AND", "BOY", "WATER"]
    assert run(["lexicon", "--language", "de"]) == 2
    assert "no words" in capsys.readouterr().err
