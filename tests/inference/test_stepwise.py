"""Networks that write step by step in use: what they have learned they write, in any batch, and they say what they cannot do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile
from singers import ATTENTION, TRANSDUCER, Singer, write_singer
from tones import RATE

import speechrnn
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import Unsupported

PAUSE = 0.003 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)


@pytest.fixture(scope="module", params=[TRANSDUCER, ATTENTION], ids=lambda head: head.kind)
def singer(request, tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("singer") / "model", bidirectional=True, head=request.param)


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
    for (_, many, _), path in zip(recognizer.heard_many(paths), paths, strict=True):
        ((_, alone, _),) = recognizer.heard_many([path])
        np.testing.assert_allclose(many, alone, atol=1e-5)


def test_tokens_stand_where_they_are_sung(singer):
    """A letter lasts 150 ms after 50 ms of silence; a network that reads both ways may write some of them before."""
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
    # All that is written stands where something is sung, and most as it was learned, though with other silence around it.
    assert found.text == " ".join(written)
    assert sum(one == text for one, text in zip(written, singer.texts, strict=True)) > 8


def test_what_it_cannot_says_what_can(singer, tmp_path):
    recognizer = speechrnn.load(singer.path, "cpu")
    samples = singer.sounds[0]
    for ask in (
        lambda: recognizer.posteriors(samples, sample_rate=RATE),
        lambda: recognizer.posteriors_many([]),
        lambda: recognizer.align(samples, "a", sample_rate=RATE),
        lambda: list(recognizer.align_many([])),
        lambda: speechrnn.load(singer.path, "cpu", helpers=Helpers(hotwords=(("abc", 2.0),))),
        lambda: speechrnn.load(singer.path, "cpu", helpers=Helpers(lm=tmp_path / "lm.arpa")),
    ):
        with pytest.raises(Unsupported, match=recognizer._decoder.name) as caught:
            ask()
        assert "head.kind ctc" in caught.value.remedy
    # An attention model could not stream even if it read forwards only.
    with pytest.raises(Unsupported, match="whole utterance" if recognizer._network.attends else "bidirectional"):
        recognizer.stream()


def test_attention_that_reads_forwards_hears_long_recordings_between_pauses_too(tmp_path):
    """Whole, they would be far longer than anything it has learned from."""
    singer = write_singer(tmp_path / "model", bidirectional=False, head=ATTENTION, steps=5)
    recognizer = speechrnn.load(singer.path, "cpu")
    parts = [part for sound in singer.sounds for part in (sound, PAUSE)]
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate(parts), RATE, subtype="FLOAT")
    ((_, heard, _),) = recognizer.heard_many([path])
    assert np.isnan(heard[:, 0]).any()
    with pytest.raises(Unsupported, match="needs the whole utterance") as caught:
        recognizer.stream()
    assert "transducer" in caught.value.remedy
