"""Evaluations to report on: a plain one, and one whose texts try to break out."""

from __future__ import annotations

import numpy as np
import pytest

from speechrnn.audio_encoded import mp3
from speechrnn.reports.details import Curve, Detail, spectrogram
from speechrnn.reports.page import Extras
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.training import Series, Training
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        "data/own/cuts_test.jsonl.gz",
        "ab" * 32,
        {"title": "Own corpus", "name": "own", "licence": "CC0", "consent": "asked"},
        {"unicode": "NFC", "case": "keep", "remove": ""},
        {"date": "2026-01-31", "speechrnn": "0.1.0", "commit": "0123456789", "machine": "Processor, 2 cores", "threads": 2},
    )


def system(name: str, hypotheses: dict[str, str], failed: str = "") -> System:
    references = {"u1": "the cat sat", "u2": "on the mat", "u3": "wá o"}
    items = tuple(
        Item(key, reference, hypotheses.get(key, reference), speaker="s1", duration=1.5)
        if key != failed
        else Item(key, reference, "", speaker="s1", duration=1.5, failure="a.wav: cut short")
        for key, reference in references.items()
    )
    return System(name, f"runs/{name}/model", "chars", ("wer", "cer"), items, 0.9, {"parameters": 1234, "kind": "rnn"})


@pytest.fixture
def evaluation() -> Evaluation:
    first = system("rnn", {"u1": "the cat sat", "u2": "on a mat mat"})
    second = system("hmm", {"u1": "the hat", "u2": "on a mat"}, failed="u3")
    return compare([first, second], resamples=200)


@pytest.fixture
def hostile() -> Evaluation:
    items = (Item(HOSTILE, HOSTILE, "x " + HOSTILE, speaker=HOSTILE, duration=1.0), Item("u2", "a", "", failure=HOSTILE))
    return compare([System(HOSTILE, HOSTILE, "chars", ("wer", "cer"), items, facts={"kind": HOSTILE})], resamples=20)


@pytest.fixture
def extras() -> Extras:
    """Sound and posteriors of u1 and u2, as only the first system gives them."""
    samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 16_000)).astype(np.float32)
    curves = (Curve("<blank>", ((0.0, 1.0), (0.02, 0.1), (0.04, 0.9))), Curve("a", ((0.0, 0.0), (0.02, 0.9), (0.04, 0.1))))
    detail = Detail(1.5, spectrogram(samples, 16_000), mp3(samples, 16_000), {"rnn": curves})
    facts = {"seconds": 65, "epochs": 3, "versions": {"torch": "2.13"}, "data": {"sha256": {"cuts_train.jsonl.gz": "abcd"}}}
    trained = Training((Series("dev_error", ((1, 20.0), (2, 9.0), (3, 5.0))),), "cell: lstm <&>\n", facts)
    return Extras({"u1": detail, "u2": detail}, {"rnn": trained, "hmm": Training()})


@pytest.fixture
def letters() -> Evaluation:
    item = Item("u1", "", "", ("b", "a", "k", "á", "o"), ("p", "á", "k", "á", "o"), duration=1.0)
    return compare([System("x", "m", "letters", ("per",), (item,))], resamples=10)


def estimating(name: str, deviation: float, failed: int) -> System:
    """Ages of 40 people, guessed with errors of this deviation; one utterance fails, its recording being named like an element."""
    rng = np.random.default_rng(len(name))
    ages = np.random.default_rng(0).integers(18, 80, 40)
    items = tuple(
        Item(f"u{n:02}", f"{age}", f"{age + rng.normal(0, deviation):.6g}", speaker="s1", duration=1.5)
        if n != failed
        else Item(f"u{n:02}", f"{age}", "", speaker="s1", duration=1.5, failure="<b>.wav: cut short")
        for n, age in enumerate(ages)
    )
    return System(name, f"runs/{name}", "value", (), items, 0.9, {"parameters": 1234, "kind": "rnn"}, source="age <of> them")


@pytest.fixture
def numbers() -> Evaluation:
    return compare([estimating("rnn", 3, 3), estimating("constant", 30, 39)], resamples=200)
