"""A transducer from the outside: transcribed, scored, tuned; what makes no sense is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from singers import write_singer
from tones import RATE

from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> tuple[Path, Path]:
    """A model and the manifest of what it has learned by heart."""
    folder = tmp_path_factory.mktemp("transducer")
    singer = write_singer(folder / "model", bidirectional=True)
    utterances = []
    for number, (text, samples) in enumerate(zip(singer.texts, singer.sounds, strict=True)):
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, samples, RATE)
        utterances.append(Utterance(path.stem, path, RATE, 0, len(samples), None, text, recording_samples=len(samples)))
    write_manifest(folder / "cuts_dev.jsonl.gz", utterances)
    return singer.path, folder / "cuts_dev.jsonl.gz"


@pytest.mark.parametrize("settings", [(), ("--decoding", "kind=beam", "--decoding", "beam=5", "--decoding", "nbest=3")])
def test_it_is_scored_like_any_model(settings, learned, speechrnn, tmp_path):
    model, manifest = learned
    called = speechrnn("evaluate", manifest, "-m", model, "-o", tmp_path, *settings)
    assert called.status == 0, called.err
    (system,) = json.loads((tmp_path / "scores.json").read_text())["systems"]
    assert (system["wer"]["errors"], system["wer"]["tokens"] > 20) == (0, True)
    assert "beam 5" in called.out + called.err + (tmp_path / "report.html").read_text() or not settings


def test_further_readings_are_in_the_record(learned, speechrnn):
    model, manifest = learned
    path = manifest.parent / "00.wav"
    record = json.loads(
        speechrnn("transcribe", path, "-m", model, "-f", "json", "--decoding", "kind=beam", "--decoding", "nbest=4").out
    )
    assert len(record["alternatives"]) == 3
    assert record["text"] not in record["alternatives"]
    assert " ".join(word["text"] for word in record["words"]) == record["text"]


def test_confidences_are_tuned_and_there_are_no_weights(learned, speechrnn):
    model, manifest = learned
    called = speechrnn("tune", manifest, "-m", model)
    assert called.status == 0, called.err
    assert (model / "decoding.yaml").is_file()
    (model / "decoding.yaml").unlink()


def test_what_it_cannot_is_an_error_of_two_lines(learned, speechrnn, tmp_path):
    model, manifest = learned
    audio, text = manifest.parent / "00.wav", tmp_path / "text.txt"
    text.write_text("a\n")
    for words in (("transcribe", audio, "--hotword", "abc"), ("align", audio, text)):
        called = speechrnn(*words, "-m", model)
        assert called.status == 2
        what, remedy = called.error()
        assert "transducer" in what
        assert "head.kind ctc" in remedy
