"""Streams: in whatever chunks a recording arrives, its transcript is that of the whole, and what is final stays."""

from __future__ import annotations

import numpy as np
import pytest

import speechrnn
from speechrnn.decoding.decoder import GreedyDecoder
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import Unsupported, UsageError
from speechrnn.inference.stream import Partial, Stream
from speechrnn.recognizer import Streamer
from speechrnn.text.tokenizer import Tokenizer

RATE = 8000


def chunks(samples, seed, longest):
    """Samples (S,) in random pieces, some of them empty."""
    generator = np.random.default_rng(seed)
    places = np.cumsum(generator.integers(0, longest, 1 + 4 * len(samples) // longest))
    return np.split(samples, places[places < len(samples)])


@pytest.fixture
def spoken(sound):
    """75 s of sound with pauses, (S,)."""
    loud = np.repeat(np.random.default_rng(0).choice([0.02, 0.3, 1.0], 150), RATE // 2)
    return sound(75 * RATE, seed=4) * loud.astype(np.float32)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cell": "gru", "factor": 3},
        {"subsampling": "conv", "factor": 4, "conv_size": 16},
        {"subsampling": "conv2d", "factor": 3, "conv_size": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["greedy", "beam"])
def test_a_stream_is_the_whole(changes, kind, write_model, spoken):
    recognizer = speechrnn.load(write_model(bidirectional=False, **changes), "cpu", DecodingOptions(kind=kind, beam=5))
    assert isinstance(recognizer, Streamer)
    for samples in (spoken[: 5 * RATE], spoken):
        whole = recognizer.transcribe(samples, sample_rate=RATE)
        for seed, longest in ((1, 300), (2, 20_000)):
            stream = recognizer.stream()
            for chunk in chunks(samples, seed, longest):
                stream.feed(chunk)
            found = stream.finish()
            assert (found.text, found.duration) == (whole.text, whole.duration)
            assert [(t.text, t.start, t.end) for t in found.tokens] == [(t.text, t.start, t.end) for t in whole.tokens]
            assert [(s.text, s.start, s.end) for s in found.segments] == [(s.text, s.start, s.end) for s in whole.segments]
            np.testing.assert_allclose([t.confidence for t in found.tokens], [t.confidence for t in whole.tokens], atol=2e-4)
            assert stream.finish().text == found.text


def test_a_stream_at_another_rate_is_the_whole(write_model, spoken):
    recognizer = speechrnn.load(write_model(bidirectional=False), "cpu")
    whole = recognizer.transcribe(spoken, sample_rate=11025)
    stream = recognizer.stream(sample_rate=11025)
    for chunk in chunks(spoken, 3, 5000):
        stream.feed(chunk.astype(np.float64))
    assert stream.finish().text == whole.text


@pytest.mark.parametrize("unit", ["chars", "letters"])
@pytest.mark.parametrize("kind", ["greedy", "beam"])
def test_what_is_final_stays(kind, unit, write_model, spoken):
    recognizer = speechrnn.load(write_model(bidirectional=False, unit=unit), "cpu", DecodingOptions(kind=kind, beam=3))
    stream = recognizer.stream()
    finals = [""]
    for chunk in chunks(spoken, 1, 60_000):
        stream.feed(chunk)
        partial = stream.partial()
        assert partial.text.startswith(partial.final)
        assert partial.text.endswith(partial.open)
        assert partial.final.startswith(finals[-1])
        finals.append(partial.final)
    text = stream.finish().text
    assert text.startswith(finals[-1])
    assert finals[-1]
    if kind == "greedy" and unit == "letters":
        assert len(set(finals)) > 5, "symbols become final as they end"
    assert stream.partial() == Partial(text, "")


def test_a_word_is_final_when_its_boundary_is():
    tokens = ("<blank>", "<space>", "a", "b")
    stream = Stream.__new__(Stream)
    stream._tokenizer = Tokenizer(tokens, "chars")
    for ids, certain in (([2], 0), ([2, 0], 0), ([2, 1], 0), ([2, 1, 1], 0), ([2, 1, 0], 2), ([2, 1, 3], 2), ([2, 1, 3, 1, 2], 4)):
        log_probs = np.eye(4, dtype=np.float32)[ids]
        assert stream._certain(GreedyDecoder(stream._tokenizer)(log_probs), len(ids)) == certain, ids


def test_the_first_frame_comes_after_the_latency_that_is_told(write_model, spoken):
    recognizer = speechrnn.load(write_model(bidirectional=False, factor=3), "cpu")
    stream = recognizer.stream()
    assert stream.frames_needed == 3
    assert stream.latency == pytest.approx(0.025 + 0.02)
    needed = round(stream.latency * RATE)
    stream.feed(spoken[: needed - 1])
    assert len(stream._cutter.open) == 0
    stream.feed(spoken[needed - 1 : needed])
    assert len(stream._cutter.open) == 1


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        ({}, "a bidirectional model needs the whole recording", "model.bidirectional=false"),
        ({"bidirectional": False, "normalization": "utterance"}, "normalizes by utterance needs the whole", "mode=global"),
        ({"bidirectional": False, "normalization": "speaker"}, "normalizes by speaker needs the whole", "mode=global"),
    ],
)
def test_what_cannot_stream_says_what_can(changes, message, remedy, write_model):
    recognizer = speechrnn.load(write_model(**changes), "cpu")
    with pytest.raises(Unsupported, match=message) as caught:
        recognizer.stream()
    assert remedy in caught.value.remedy


def test_no_sound_and_a_stream_that_has_ended(write_model):
    stream = speechrnn.load(write_model(bidirectional=False), "cpu").stream()
    with pytest.raises(UsageError, match="not finite"):
        stream.feed(np.array([np.nan]))
    assert stream.partial().text == ""
    assert stream.finish().text == ""
    with pytest.raises(UsageError, match="has ended"):
        stream.feed(np.zeros(10))
