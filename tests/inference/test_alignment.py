"""Texts over recordings: no sound where it is quiet, times on the recording's own clock, each clip its own text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import soundfile

import speechrnn
from speechrnn.audio import Clip
from speechrnn.errors import DataError
from speechrnn.inference.alignment import align_sound, quiet_frames
from speechrnn.inference.pauses import hop_seconds, levels, quiet_runs, stretches
from speechrnn.inference.sound import of_samples
from speechrnn.text.tokenizer import Tokenizer

CHARS = Tokenizer(("<blank>", "<space>", "a", "b"), "chars")
RATE = 8000


@dataclass
class Heard:
    """What alignment needs of a network: frames that are the level of the signal, ten of them to the 100 ms."""

    factor: int = 2
    hop_s: float = 0.01
    offset: float = 0.0
    delay: float = 0.0
    rate: int = RATE

    def front_frames(self, blocks):
        samples = np.concatenate(list(blocks))
        hop = round(self.rate * self.hop_s)
        whole = samples[: len(samples) // hop * hop].reshape(-1, hop)
        # Level and zero crossings: enough to tell two tones and silence apart.
        yield np.stack([np.log(whole.var(1) + 1e-8), 40 * (np.diff(np.sign(whole), axis=1) != 0).mean(1)], 1)


def planted(*parts: tuple[float, float], rate: int = RATE, noise: float = 1e-3) -> np.ndarray:
    """Tones one after the other: frequency (Hz, 0 is silence) and duration (s)."""
    found = [np.sin(2 * np.pi * hz * np.arange(round(rate * s)) / rate) * 0.3 * (hz > 0) for hz, s in parts]
    samples = np.concatenate(found)
    return (samples + noise * np.random.default_rng(0).standard_normal(len(samples))).astype(np.float32)


def posteriors(n_frames: int, **named: dict[int, float]) -> np.ndarray:
    """Blank but for the frames where a token has so much."""
    x = np.full((n_frames, 4), 1e-7)
    for token, frames in named.items():
        for frame, p in frames.items():
            x[frame, CHARS.tokens.index(token)] = p
    x[:, 0] = 1 - x[:, 1:].sum(1)
    return np.log(x).astype(np.float32)


def times(found):
    return [(token.text, token.start, token.end) for token in found.tokens]


def test_a_sound_that_is_named_in_the_silence_before_it_is_put_where_it_sounds():
    sound = of_samples(planted((0, 0.5), (400, 0.2), (1500, 0.2), (0, 0.5)), RATE, RATE, 1)
    # By heart: "a" in frame 3 (60 ms), where nothing sounds; hardly a trace of it in its own place.
    log_probs = posteriors(70, a={3: 0.999, 28: 1e-5}, b={40: 0.99})
    found = align_sound(Heard(), sound, log_probs, "ab", CHARS)
    assert [(text, round(start, 2), round(end, 2)) for text, start, end in times(found)] == [("a", 0.5, 0.7), ("b", 0.7, 0.9)]
    assert found.score == 0.0, "the text is what was heard, wherever it was named"
    raw = align_sound(Heard(), sound, log_probs, "ab", CHARS, states=True)
    assert [entry for entry in times(raw) if entry[0] != "<blank>"] == [("a", 0.06, 0.08), ("b", 0.8, 0.82)]
    assert raw.tokens[0].start == 0
    assert raw.tokens[-1].end == pytest.approx(1.4)
    assert all(a.end == b.start for a, b in zip(raw.tokens[:-1], raw.tokens[1:], strict=True))


def test_a_network_that_looks_back_tells_of_what_lies_before():
    sound = of_samples(planted((0, 0.5), (400, 0.2), (1500, 0.2), (0, 0.5)), RATE, RATE, 1)
    at_once = align_sound(Heard(), sound, posteriors(70, a={27: 0.99}, b={37: 0.99}), "ab", CHARS)
    late = posteriors(70, a={37: 0.99}, b={47: 0.99})
    assert align_sound(Heard(delay=20.0), sound, late, "ab", CHARS).tokens == at_once.tokens
    assert align_sound(Heard(), sound, late, "ab", CHARS).tokens != at_once.tokens


def test_without_quiet_frames_sounds_stay_where_they_are_named():
    sound = of_samples(planted((900, 0.5), (400, 0.2), (1500, 0.2), (900, 0.5)), RATE, RATE, 1)
    log_probs = posteriors(70, a={3: 0.999, 28: 1e-5}, b={40: 0.99})
    (_, start, _), _ = times(align_sound(Heard(), sound, log_probs, "ab", CHARS))
    assert start < 0.1


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
def test_quiet_stretches_lie_where_they_are_at_any_rate_and_any_distance(rate):
    samples = planted((400, 300.0), (0, 1.0), (400, 5.0), rate=rate)
    level, hop_s = levels([samples], rate), hop_seconds(rate)
    ((start, end),) = quiet_runs(level, 0.1)
    assert start * hop_s == pytest.approx(300, abs=0.05)
    assert end * hop_s == pytest.approx(301, abs=0.05)
    (_, first_stop), (second_start, _) = stretches(level, hop_s)
    assert first_stop == pytest.approx(300.25, abs=0.05)
    assert second_start == pytest.approx(300.75, abs=0.05)
    quiet = quiet_frames(level, hop_s, Heard(factor=3), 10_200)
    runs = np.flatnonzero(np.diff(quiet, prepend=False, append=False)) * 0.01
    assert runs == pytest.approx([300, 301], abs=0.05)


def test_pauses_whose_noise_differs_are_found_near_speech():
    quiet_room = planted((400, 2.0), (0, 0.5), (400, 2.0), noise=1e-4)
    loud_room = planted((400, 2.0), (0, 0.5), (400, 2.0), noise=3e-3)
    level = levels([np.concatenate([quiet_room, loud_room])], RATE)
    runs = [(round(a * 0.01, 1), round(b * 0.01, 1)) for a, b in quiet_runs(level, 0.1, near=True)]
    assert runs == [(2.0, 2.5), (6.5, 7.0)]


def test_the_last_frames_are_as_quiet_as_the_last_level():
    level = levels([planted((400, 1.0), (0, 0.395))], RATE)
    assert quiet_frames(level, 0.01, Heard(factor=3), 48)[-10:].all()
    assert not quiet_frames(np.zeros(0, np.float32), 0.01, Heard(), 3).any()


def test_clips_that_are_equal_keep_their_own_texts(write_model, tmp_path):
    recognizer = speechrnn.load(write_model(), "cpu")
    soundfile.write(tmp_path / "a.wav", planted((400, 0.6), (1500, 0.6)), RATE)
    clip = Clip("a", tmp_path / "a.wav")
    found = list(recognizer.align_many([(clip, "a"), (clip, "b c"), (tmp_path / "a.wav", "cc")]))
    assert [" ".join(word.text for word in one.words) for one in found] == ["a", "b c", "cc"]
    assert found[0] == recognizer.align(clip, "a")
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert recognizer.align(samples, "b c", sample_rate=RATE).words == found[1].words


def test_errors_are_handed_on_or_raised_by_name(write_model, tmp_path):
    recognizer = speechrnn.load(write_model(), "cpu")
    soundfile.write(tmp_path / "a.wav", planted((400, 0.6)), RATE)
    good, gone = Clip("a", tmp_path / "a.wav"), Clip("gone", tmp_path / "gone.wav")
    failed = []
    items = [(gone, "a"), (good, "a"), (good, "x"), (good, "b")]
    found = list(recognizer.align_many(items, on_error=lambda clip, error: failed.append((clip.id, error.message))))
    assert [one.words[0].text for one in found] == ["a", "b"]
    assert [name for name, _ in failed] == ["gone", "a"]
    with pytest.raises(DataError, match=r"gone\.wav"):
        list(recognizer.align_many(items))
    with pytest.raises(DataError, match=r"^samples: symbol 'x'"):
        recognizer.align(planted((400, 0.6)), "x", sample_rate=RATE)


@pytest.mark.parametrize(("rate", "factor"), [(11025, 1), (22050, 1), (8000, 3)])
def test_resampled_recordings_of_any_length_are_laid(write_model, tmp_path, rate, factor):
    recognizer = speechrnn.load(write_model(rate=rate, factor=factor), "cpu")
    for size in range(22050, 22060):
        found = recognizer.align(planted((400, size / 44100), rate=44100)[:size], "ab", sample_rate=44100)
        assert found.words[0].end <= size / 44100
