"""Searches and alignments on the posteriors of real recordings: exact where exactness can be told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from speechrnn.decoding import viterbi
from speechrnn.decoding.beam import BeamSearch
from speechrnn.decoding.forced import lay
from speechrnn.decoding.greedy import greedy
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.viterbi import align, log_probability
from speechrnn.text.tokenizer import SPACE, Tokenizer

STORED = Path(__file__).resolve().parent.parent / "data"
EVERY = 12
"""Of the test utterances one in so many is read, so that this takes seconds."""


@pytest.fixture(params=["an4", "mboshi"])
def stored(request) -> tuple[Tokenizer, list[np.ndarray]]:
    """A model's tokenizer and log posteriors (T, K) of test utterances."""
    found = np.load(STORED / f"{request.param}_test.npz")
    log_probs, ends = found["log_probs"].astype(np.float32), np.cumsum(found["lengths"])
    every = [log_probs[end - length : end] for end, length in zip(ends, found["lengths"], strict=True)]
    return Tokenizer(tuple(found["tokens"].tolist()), str(found["unit"])), every[::EVERY]


def search(tokenizer: Tokenizer, beam: int, **more: int) -> BeamSearch:
    space = tokenizer.tokens.index(SPACE) if SPACE in tokenizer.tokens else -1
    return BeamSearch(len(tokenizer), DecodingOptions(kind="beam", beam=beam, **more), space=space)


def test_a_beam_is_never_worse_than_greedy_and_its_scores_are_exact(stored):
    tokenizer, utterances = stored
    narrow, better = search(tokenizer, 50), 0
    for log_probs in utterances:
        best = narrow(log_probs)[0]
        assert best.acoustic == pytest.approx(log_probability(log_probs, best.ids), abs=1e-3)
        gain = best.acoustic - log_probability(log_probs, greedy(log_probs).ids)
        assert gain >= -1e-3
        better += gain > 1e-3
    if tokenizer.unit == "letters":
        assert better, "Mboshi's are unsure enough that the sum over alignments now and then reads otherwise than the best frame"


def test_a_wider_beam_finds_nothing_better_than_a_nats_worth(stored):
    tokenizer, utterances = stored
    for log_probs in utterances:
        narrow, wide = (search(tokenizer, beam)(log_probs)[0].score for beam in (50, 400))
        assert -1e-3 <= wide - narrow <= 1.0


def test_threads_and_company_change_nothing(stored):
    tokenizer, utterances = stored
    several = search(tokenizer, 50, nbest=5)
    alone = [[(one.ids.tolist(), one.score) for one in several(log_probs)] for log_probs in utterances]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(several, utterances[::-1]))[::-1]
    assert [[(one.ids.tolist(), one.score) for one in found] for found in together] == alone


def test_what_was_read_is_laid_over_the_whole_as_over_its_parts(stored, monkeypatch):
    """Joined by a second of silence, in a band as narrow as it may be: the exact path, utterance for utterance."""
    tokenizer, utterances = stored
    silence = np.full((50, len(tokenizer)), -30.0, np.float32)
    silence[:, 0] = 0.0
    readings = [greedy(log_probs).ids for log_probs in utterances]
    joined = np.concatenate([part for log_probs in utterances for part in (log_probs, silence)])
    ids = np.concatenate(readings)
    exact = align(joined, ids)
    monkeypatch.setattr(viterbi, "EXACT_BYTES", 0)
    monkeypatch.setattr(viterbi, "BAND", 64)
    banded = align(joined, ids)
    assert exact is not None
    assert banded is not None
    assert banded[1] == exact[1] == pytest.approx(sum(float(one.max(1).sum(dtype=np.float64)) for one in utterances), abs=0.05)
    assert banded[0].starts.tolist() == exact[0].starts.tolist()
    place = first = 0
    for log_probs, reading in zip(utterances, readings, strict=True):
        alone = align(log_probs, reading)
        assert alone is not None
        assert (exact[0].starts[first : first + len(reading)] - place).tolist() == alone[0].starts.tolist()
        place, first = place + len(log_probs) + len(silence), first + len(reading)


def test_what_was_heard_scores_zero_as_a_text(stored):
    tokenizer, utterances = stored
    for log_probs in utterances:
        text = tokenizer.decode(greedy(log_probs).ids.tolist())
        if text:
            assert lay(log_probs, text, tokenizer).score == pytest.approx(0, abs=1e-5)
