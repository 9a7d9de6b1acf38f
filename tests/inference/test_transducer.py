"""A transducer in use: what it has learned it writes, in any batch and any chunks, and it says what it cannot do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile
from singers import Singer, write_singer
from tones import RATE

import speechrnn
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import Unsupported
from speechrnn.inference.stream import Partial

PAUSE = 0.003 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def singer(tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("singer") / "model", bidirectional=True)


@pytest.fixture(scope="module")
def forward_singer(tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("forward") / "model", bidirectional=False)


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


def feed(stream, samples, seed, longest):
    """A stream's finals after each chunk of random size."""
    places = np.cumsum(np.random.default_rng(seed).integers(0, longest, 1 + 4 * len(samples) // longest))
    finals = [""]
    for chunk in np.split(samples, places[places < len(samples)]):
        stream.feed(chunk)
        partial = stream.partial()
        assert partial.text.startswith(partial.final)
        assert partial.final.startswith(finals[-1])
        finals.append(partial.final)
    return finals


@pytest.mark.parametrize("kind", ["greedy", "beam"])
def test_a_stream_is_the_whole_and_what_is_final_stays(kind, forward_singer):
    recognizer = speechrnn.load(forward_singer.path, "cpu", DecodingOptions(kind=kind, beam=2))
    long = np.concatenate([part for sound in forward_singer.sounds for part in (sound, PAUSE[: len(PAUSE) // 2])] * 2)
    assert len(long) > 60 * RATE
    for samples in (forward_singer.sounds[2], long)[: 2 - (kind == "beam")]:
        whole = recognizer.transcribe(samples, sample_rate=RATE)
        for seed, longest in ((1, 1500), (2, 60_000))[kind == "beam" :]:
            stream = recognizer.stream()
            finals = feed(stream, samples, seed, longest)
            found = stream.finish()
            assert (found.text, found.duration) == (whole.text, whole.duration)
            assert times(found) == times(whole)
            assert found.text.startswith(finals[-1])
            assert stream.partial() == Partial(found.text, "")
    if kind == "greedy":
        assert finals[-1]
        assert len(set(finals)) > 3, "words become final as they end"


def test_what_a_transducer_cannot_says_what_can(singer, tmp_path):
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
        with pytest.raises(Unsupported, match="transducer") as caught:
            ask()
        assert "head.kind ctc" in caught.value.remedy
    with pytest.raises(Unsupported, match="bidirectional"):
        recognizer.stream()
