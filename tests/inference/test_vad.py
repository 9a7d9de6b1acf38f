"""Silero VAD: stretches from probabilities, and what is said where the extra is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import speechrnn
from speechrnn.audio import Clip, read_clip
from speechrnn.cli.main import run
from speechrnn.errors import MissingExtra
from speechrnn.inference.sound import of_samples
from speechrnn.inference.vad import STEP, Silero, speech

SECOND = round(16_000 / STEP)


def test_short_pauses_stay_and_margins_end_with_the_recording():
    loud, quiet = np.ones(SECOND), np.zeros(SECOND)
    pause = np.zeros(SECOND // 3)
    found = speech(np.concatenate([loud, pause, loud, quiet, loud]), 4.3)
    assert [(round(a, 1), round(b, 1)) for a, b in found] == [(0.0, 2.6), (3.0, 4.3)]
    assert speech(quiet, 1.0) == []
    assert speech(np.zeros(0), 0.0) == []


def test_a_missing_extra_is_one_line_that_installs_it(write_model, write_sound, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "silero_vad", None)
    monkeypatch.setattr("speechrnn.inference.vad.find_spec", lambda name: None)
    model = write_model()
    with pytest.raises(MissingExtra) as caught:
        speechrnn.load(model, vad=True)
    assert caught.value.remedy == "pip install 'speechrnn[vad]'"
    path = write_sound(tmp_path / "a.wav")
    assert run(["transcribe", str(path), "-m", str(model), "--vad"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: --vad needs the package silero-vad, which is not installed",
        "       pip install 'speechrnn[vad]'",
    ]


@pytest.mark.corpus
def test_speech_is_found_in_noise(shared_data):
    """AN4 sentences with loud noise between them, which no level tells from speech."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("silero_vad")
    paths = sorted((shared_data("an4") / "wav/an4test_clstk").rglob("*.flac"))[:4]
    sounds = [read_clip(Clip(path.stem, path), 16_000) for path in paths]
    noise = 0.02 * np.random.default_rng(0).standard_normal(3 * 16_000).astype(np.float32)
    parts, places, position = [noise], [], len(noise)
    for sound in sounds:
        places.append((position / 16_000, (position + len(sound)) / 16_000))
        parts += [sound + 0.1 * np.resize(noise, len(sound)), noise]
        position += len(sound) + len(noise)
    found = Silero()(of_samples(np.concatenate(parts), 16_000, 16_000, 400))
    for start, end in found:
        assert any(a - 0.5 < start < end < b + 0.5 for a, b in places)
    for a, b in places:
        assert sum(min(b, end) - max(a, start) for start, end in found if start < b and end > a) > 0.5 * (b - a)
