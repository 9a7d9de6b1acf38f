"""A decoder with attention in use: what it has learned it writes, in any batch, and it says what it cannot do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile
from singers import ATTENTION, Singer, write_singer
from tones import RATE

import speechrnn
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import Unsupported

PAUSE = 0.003 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def singer(tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("singer") / "model", bidirectional=True, head=ATTENTION)


@pytest.fixture(scope="module")
def forward_singer(tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("forward") / "model", bidirectional=False, head=ATTENTION, steps=5)


def times(transcript):
    return [(token.text, token.start, token.end) for token in transcript.tokens]


@pytest.mark.parametrize("kind", ["greedy", "beam"])
def test_a_batch_is_learned_by_heart_and_batch_mates_change_nothing(kind, singer, tmp_path):
    recognizer = speechrnn.load(singer.path, "cpu", DecodingOptions(kind=kind, beam=5))
    paths = [tmp_path / f"{number:02d}.wav" for number in range(len(singer.texts))]
    for path, sound in zip(paths, singer.sounds, strict=True):
        soundfile.write(path, sound, RATE, subtype="FLOAT")
    together = list(recognizer.transcribe_many(paths))
    assert [one.text for one in together] == list(singer.texts)
    for path, one in zip(paths, together, strict=True):
        alone = recognizer.transcribe(path)
        assert times(alone) == times(one)
        np.testing.assert_allclose([t.confidence for t in alone.tokens], [t.confidence for t in one.tokens], atol=2e-4)
        assert " ".join(word.text for word in one.words) == one.text


def test_tokens_stand_where_they_are_sung(singer):
    """A letter lasts 150 ms after 50 ms of silence."""
    recognizer = speechrnn.load(singer.path, "cpu")
    off = []
    for text, sound in zip(singer.texts, singer.sounds, strict=True):
        tokens = recognizer.transcribe(sound, sample_rate=RATE).tokens
        assert "".join(token.text for token in tokens).replace("<space>", " ") == text
        assert all(one.start <= other.start for one, other in itertools.pairwise(tokens))
        off += [(token.start + token.end) / 2 - (0.125 + 0.15 * place) for place, token in enumerate(tokens)]
    assert np.median(np.abs(off)) < 0.15


def test_a_long_recording_is_read_between_its_pauses(singer):
    parts = [part for sound in singer.sounds for part in (sound, PAUSE)]
    assert sum(map(len, parts)) > 40 * RATE
    found = speechrnn.load(singer.path, "cpu").transcribe(np.concatenate(parts), sample_rate=RATE)
    begins = np.cumsum([0, *map(len, parts)])[::2] / RATE
    written = []
    for begin, sound in zip(begins, singer.sounds, strict=False):
        words = [word for word in found.words if begin - 0.1 <= word.start and word.end <= begin + len(sound) / RATE + 0.1]
        written.append(" ".join(word.text for word in words))
    assert found.text == " ".join(written)
    assert sum(one == text for one, text in zip(written, singer.texts, strict=True)) > 8


def test_one_that_reads_forwards_hears_long_recordings_between_pauses_too(forward_singer):
    """Whole, they would be far longer than anything it has learned from."""
    recognizer = speechrnn.load(forward_singer.path, "cpu")
    parts = [part for sound in forward_singer.sounds for part in (sound, PAUSE)]
    ((_, heard, _),) = recognizer.heard_many([write(forward_singer.path.parent / "long.wav", np.concatenate(parts))])
    assert np.isnan(heard[:, 0]).any()
    with pytest.raises(Unsupported, match="needs the whole utterance") as caught:
        recognizer.stream()
    assert "transducer" in caught.value.remedy


def write(path, samples):
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def test_what_it_cannot_says_what_can(singer, tmp_path):
    recognizer = speechrnn.load(singer.path, "cpu")
    samples = singer.sounds[0]
    for ask in (
        lambda: recognizer.posteriors(samples, sample_rate=RATE),
        lambda: recognizer.align(samples, "a", sample_rate=RATE),
        lambda: speechrnn.load(singer.path, "cpu", helpers=Helpers(hotwords=(("abc", 2.0),))),
        lambda: speechrnn.load(singer.path, "cpu", helpers=Helpers(lm=tmp_path / "lm.arpa")),
    ):
        with pytest.raises(Unsupported, match="attention encoder-decoder") as caught:
            ask()
        assert "head.kind ctc" in caught.value.remedy
    with pytest.raises(Unsupported, match="bidirectional"):
        recognizer.stream()
