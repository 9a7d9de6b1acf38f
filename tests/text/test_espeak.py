from __future__ import annotations

import importlib.util
import itertools
import sys

import numpy as np
import pytest

from speechrnn.errors import DataError, MissingExtra
from speechrnn.text.espeak import Speaker, _part, _phones, _words, pronounce, speak

pytestmark = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra synth is not installed")

TEXTS = ["turn on the kitchen light", "call anna at seven", "play the radio in my office"]


def requests(variant: str = "m3"):
    return [(text, Speaker("en-us", variant, rate=150, pitch=40)) for text in TEXTS]


def test_samples_repeat_whatever_was_spoken_before():
    together = list(speak(requests()))
    again = list(speak(requests()[::-1]))[::-1]
    for one, other in zip(together, again, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
        assert (one.words, one.phones) == (other.words, other.phones)


def test_a_fresh_process_says_the_same_as_a_fork():
    (forked,), (fresh,) = list(speak(requests()[:1])), list(speak(requests()[:1], fork=False))
    np.testing.assert_array_equal(forked.samples, fresh.samples)
    assert (forked.words, forked.phones) == (fresh.words, fresh.phones)


def test_every_word_has_its_phones_and_time():
    for (text, _), speech in zip(requests(), speak(requests()), strict=True):
        assert speech.sampling_rate == 22_050
        assert speech.samples.dtype == np.int16
        assert [number for number, _, _ in speech.words] == list(range(len(text.split())))
        assert speech.phones[0][2] == 0
        assert speech.phones[-1][3] == len(speech.samples)
        assert all(a[3] == b[2] for a, b in itertools.pairwise(speech.phones))
        assert not any(mark in name for _, name, _, _ in speech.phones for mark in "ˈˌ")


def test_two_words_spoken_as_one_are_parted():
    (speech,) = speak([("turn on the light", Speaker("en-us", "m3"))])
    spoken = {number: [name for owner, name, _, _ in speech.phones if owner == number] for number in range(4)}
    assert (spoken[1], spoken[2]) == (["ɔ", "n"], ["ð", "ə"])


def test_a_phone_without_time_takes_the_last_third_of_the_one_before():
    phones = _phones(
        "hall", [("word", 0, 0), ("phone", "h", 0), ("phone", "ˈɔː", 100), ("phone", "l", 400), ("phone", "", 400)], 500
    )
    assert phones == [(0, "h", 0, 100), (0, "ɔː", 100, 300), (0, "l", 300, 400), (-1, "SIL", 400, 500)]
    assert _words(phones) == ((0, 0, 400),)


def test_more_words_in_one_than_phones_known():
    phones = _phones("a b c", [("word", 0, 0), ("phone", "x", 0), ("phone", "y", 10), ("phone", "z", 20)], 30)
    assert _part(phones, [("x",), ("y",), ("z",)]) == ((0, "x", 0, 10), (1, "y", 10, 20), (2, "z", 20, 30))


@pytest.mark.parametrize(
    ("language", "text"), [("de", "schöne grüße"), ("fr", "l'été à Orléans"), ("es", "mañana"), ("en-gb-x-rp", "hello")]
)
def test_other_languages(language, text):
    (speech,) = speak([(text, Speaker(language))])
    assert [number for number, _, _ in speech.words] == list(range(len(text.split())))


def test_pronunciations():
    assert pronounce(["kitchen", "light"], "en-us") == [("k", "ɪ", "tʃ", "ə", "n"), ("l", "aɪ", "t")]
    assert pronounce([], "en-us") == []


@pytest.mark.parametrize("language", ["en-gb", "atlantean", ""])
def test_unknown_languages(language):
    with pytest.raises(DataError, match="there is no voice"):
        list(speak([("hello", Speaker(language, "m1"))]))


def test_unknown_variants():
    with pytest.raises(DataError, match="there is no variant 'nonsense'"):
        list(speak([("hello", Speaker("en-us", "nonsense"))]))


def test_after_an_error_the_process_is_gone():
    speaking = speak([("hello", Speaker("en-us")), ("hello", Speaker("xx"))])
    assert len(next(speaking).samples) > 1_000
    with pytest.raises(DataError):
        next(speaking)


def test_the_library_stays_out_of_this_process():
    list(speak(requests()[:1]))
    assert "espeakng_loader" not in sys.modules


def test_a_missing_extra_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as error:
        list(speak(requests()))
    assert error.value.remedy == "pip install 'speechrnn[synth]'"
