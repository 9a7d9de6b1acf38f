"""A transducer that reads forwards writes in any chunks what it writes of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from singers import Singer, write_singer
from tones import RATE

import speechrnn
from speechrnn.decoding.options import DecodingOptions
from speechrnn.inference.stream import Partial

PAUSE = 0.003 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def forward_singer(tmp_path_factory) -> Singer:
    return write_singer(tmp_path_factory.mktemp("forward") / "model", bidirectional=False)


def times(transcript):
    return [(token.text, token.start, token.end) for token in transcript.tokens]


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
