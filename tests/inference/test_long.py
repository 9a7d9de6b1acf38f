"""Long recordings: windows and stretches give the frames of the whole, however the samples arrive, and pauses cost nothing."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import soundfile

import speechrnn
from speechrnn.audio_band import MARGIN, level_db
from speechrnn.errors import DataError
from speechrnn.inference.long import _on_grid, between_pauses, everything, long_posteriors
from speechrnn.inference.sound import of_samples
from speechrnn.inference.windows import Windows

RATE = 8000
VARIANTS = [
    {},
    {"subsampling": "conv", "factor": 3, "conv_size": 16},
    {"subsampling": "conv2d", "factor": 2, "conv_size": 4},
    {"factor": 1},
    {"bidirectional": False},
    {"bidirectional": False, "subsampling": "conv", "factor": 4, "conv_size": 16},
    {"normalization": "utterance"},
    {"normalization": "utterance", "bidirectional": False},
]


def whole(recognizer, samples):
    """Log posteriors in one go."""
    return recognizer._network.batch([samples])[0]


def through_windows(recognizer, samples, size=6.0, overlap=2.0):
    """Log posteriors through windows (s) or blocks, with pauses uncut."""
    network = recognizer._network
    frames = [round(seconds / network.frame_shift) for seconds in (size, overlap)]
    network.windows = replace(network.windows, size=frames[0], overlap=frames[1])
    parts = long_posteriors(network, of_samples(samples, RATE, RATE, 200), None, everything)
    return np.concatenate(list(parts))


@pytest.mark.parametrize("seconds", [5.99, 6.0, 6.02, 6.05, 10.0, 10.02, 31.7])
@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_windows_give_the_frames_of_the_whole(changes, seconds, write_model, sound):
    """The context of a small random network reaches less far than the overlap."""
    recognizer = speechrnn.load(write_model(**changes), "cpu")
    samples = sound(round(seconds * RATE), seed=5)
    found, expected = through_windows(recognizer, samples), whole(recognizer, samples)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_without_overlap_the_seams_show(write_model, sound):
    """The test above can fail."""
    recognizer = speechrnn.load(write_model(), "cpu")
    samples = sound(30 * RATE, seed=5)
    assert np.abs(through_windows(recognizer, samples, overlap=0.0) - whole(recognizer, samples)).max() > 0.01


@pytest.mark.parametrize("first", [0, 1, 7, 10])
@pytest.mark.parametrize("size", [39, 40, 41, 57, 60, 61, 200])
def test_every_frame_is_kept_once(size, first):
    """A network that says the number of each frame, over blocks of odd sizes."""
    step, hop, margin = 4, 2, 3
    windows = Windows(20, 5, step, hop, margin, first)
    samples = np.arange(size * step + margin, dtype=np.float32)
    blocks = np.split(samples, np.cumsum(np.random.default_rng(size).integers(1, 30, 20)))
    frames = windows.stitch(blocks, lambda window: window[: len(window) - margin : step])
    np.testing.assert_array_equal(np.concatenate(list(frames)), samples[: size * step : step])


@pytest.fixture
def paused(sound):
    """Four times two seconds of sound with pauses of 3 s of faint noise, (S,), and where each sound begins (s)."""
    noise = 1e-3 * np.random.default_rng(1).standard_normal(RATE * 3).astype(np.float32)
    parts = [noise]
    for number in range(4):
        parts += [sound(2 * RATE, number), noise]
    return np.concatenate(parts), [3.0 + 5.0 * number for number in range(4)]


def test_stretches_between_pauses_are_heard_alone(write_model, paused):
    recognizer = speechrnn.load(write_model(), "cpu")
    samples, starts = paused
    network = recognizer._network
    recognizer._network.windows = replace(network.windows, size=150, overlap=50)
    found = recognizer.posteriors(samples, sample_rate=RATE)
    assert len(found.log_probs) == network.frames(len(samples))
    np.testing.assert_allclose(np.exp(found.log_probs).sum(1), 1, atol=1e-5)
    step, margin = network.windows.step, network.windows.margin
    heard = np.zeros(len(found.log_probs), bool)
    for first, last in _on_grid(network, between_pauses(of_samples(samples, RATE, RATE, 200)), len(samples)):
        heard[first:last] = True
        alone = whole(recognizer, samples[first * step : last * step + margin])
        np.testing.assert_allclose(found.log_probs[first:last], alone, atol=1e-5)
        begin, end = first * network.frame_shift, last * network.frame_shift
        assert any(abs(begin + 0.25 - start) < 0.1 and abs(end - 0.25 - start - 2) < 0.1 for start in starts)
    assert found.log_probs[~heard].max() == 0
    assert np.flatnonzero(found.log_probs[~heard].argmax(1)).size == 3, "a word boundary in each pause between two sounds"


def test_words_do_not_cross_pauses_and_segments_end_in_them(write_model, paused):
    recognizer = speechrnn.load(write_model(), "cpu")
    recognizer._network.windows = replace(recognizer._network.windows, size=150, overlap=50)
    samples, starts = paused
    transcript = recognizer.transcribe(samples, sample_rate=RATE)
    assert transcript.text == " ".join(word.text for word in transcript.words)
    assert len(transcript.segments) >= 4
    for spans in (transcript.words, transcript.segments):
        assert not any(span.start < start - 0.5 < span.end for span in spans for start in starts[1:])
    assert transcript.text.split() == [word for segment in transcript.segments for word in segment.text.split()]


@pytest.mark.parametrize("mode", ["utterance", "speaker"])
def test_statistics_of_a_long_recording_are_those_of_the_whole(mode, write_model, sound):
    recognizer = speechrnn.load(write_model(normalization=mode), "cpu")
    samples = sound(30 * RATE, seed=5) * np.linspace(0.2, 1, 30 * RATE, dtype=np.float32)
    np.testing.assert_allclose(through_windows(recognizer, samples), whole(recognizer, samples), atol=5e-4)


def test_hours_of_silence_have_no_text(write_model):
    recognizer = speechrnn.load(write_model(), "cpu")
    transcript = recognizer.transcribe(np.zeros(100 * RATE, np.float32), sample_rate=RATE)
    assert (transcript.text, transcript.segments, transcript.duration) == ("", (), 100.0)


def test_long_and_short_recordings_keep_their_order(write_model, write_sound, tmp_path):
    recognizer = speechrnn.load(write_model(), "cpu")
    lengths = [1, 30, 2, 40, 3]
    paths = [write_sound(tmp_path / f"{n}.wav", seconds, RATE, n) for n, seconds in enumerate(lengths)]
    together = list(recognizer.transcribe_many(paths))
    assert [t.duration for t in together] == lengths
    assert [t.text for t in together] == [recognizer.transcribe(path).text for path in paths]
    shapes = [(clip.path, len(log_probs)) for clip, log_probs, _ in recognizer.posteriors_many(paths)]
    assert shapes == [(path, recognizer._network.frames(s * RATE)) for path, s in zip(paths, lengths, strict=True)]


def test_damage_in_the_middle_of_a_long_recording_costs_no_other(write_model, write_sound, tmp_path):
    recognizer = speechrnn.load(write_model(), "cpu")
    good = write_sound(tmp_path / "good.flac", 30, RATE)
    bad = write_sound(tmp_path / "bad.flac", 120, RATE)
    content = bytearray(bad.read_bytes())
    content[len(content) * 3 // 4 :] = bytes(len(content) - len(content) * 3 // 4)
    bad.write_bytes(content)
    failed = []
    found = list(
        recognizer.transcribe_many([good, bad, good], on_error=lambda clip, error: failed.append((clip.id, error.message)))
    )
    assert [transcript.id for transcript in found] == [str(good), str(good)]
    ((name, message),) = failed
    assert name == str(bad)
    assert message.startswith(f"{bad}: ")
    with pytest.raises(DataError, match=r"bad\.flac"):
        recognizer.transcribe(bad)


@pytest.mark.parametrize(
    ("rate", "band", "message"),
    [
        (8000, 1.0, None),
        (16000, 1.0, None),
        (4000, 1.0, "recorded at 4000 Hz, the model was trained on 8000 Hz"),
        (8000, 0.5, "nothing above 2"),
    ],
)
def test_recordings_that_hold_less_than_the_model_knows_are_said_once(rate, band, message, write_model, tmp_path, caplog):
    from speechrnn import audio

    white = 0.1 * np.random.default_rng(0).standard_normal(rate * 2).astype(np.float32)
    if band < 1:
        white = audio.resample(audio.resample(white, rate, round(rate * band)), round(rate * band), rate)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        audio.write(path, white, rate)
    recognizer = speechrnn.load(write_model(), "cpu")
    with caplog.at_level(logging.WARNING, "speechrnn"):
        list(recognizer.transcribe_many(paths))
    assert [message in record.message for record in caplog.records] == ([] if message is None else [True])
    assert all("a.wav" in record.message for record in caplog.records)


@pytest.mark.parametrize("by", [-30, -7, -5, 0, 5, 7, 20])
def test_recordings_of_another_loudness_than_the_model_knows_are_said_once(by, write_model, tmp_path, caplog):
    white = 0.01 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    known = level_db(white)
    recognizer = speechrnn.load(write_model(levels_db=[known, known]), "cpu")
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        soundfile.write(path, white * 10 ** (by / 20), 8000, subtype="FLOAT")
    with caplog.at_level(logging.WARNING, "speechrnn"):
        list(recognizer.transcribe_many(paths))
    messages = [record.message for record in caplog.records]
    if abs(by) < MARGIN:
        assert not messages
    else:
        (message,) = messages
        kind = "louder" if by > 0 else "quieter"
        assert message.startswith(f"{paths[0]}: {abs(by)} dB {kind} than what the model was trained on")


@pytest.mark.parametrize("told", [None, "x", [1], [-20.0, None], {"a": 1}])
def test_a_model_that_tells_no_loudness_is_no_fault(told, write_model, tmp_path, caplog):
    soundfile.write(tmp_path / "a.wav", 1e-4 * np.random.default_rng(0).standard_normal(16000), 8000, subtype="FLOAT")
    with caplog.at_level(logging.WARNING, "speechrnn"):
        speechrnn.load(write_model(levels_db=told), "cpu").transcribe(tmp_path / "a.wav")
    assert not caplog.records


def test_a_level_is_0_db_at_full_scale_and_pauses_have_no_part_in_it():
    square = np.tile(np.float32([0.1, -0.1]), 8000)
    assert level_db(square) == pytest.approx(-20)
    room = 1e-4 * np.random.default_rng(0).standard_normal(16000 * 15).astype(np.float32)
    assert level_db(np.concatenate([room, square])) == pytest.approx(-20, abs=0.2), "a frame may be half a pause"
    assert level_db(np.zeros(16000, np.float32)) is None
    assert level_db(square[:100]) is None, "too short to tell"
