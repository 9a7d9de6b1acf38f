"""Whatever is wrong with what a user hands over: named with place and remedy, exit 1 or 2, nothing half-written, nothing run."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file, save_file

from speechrnn.audio_headers import _say_byte_order

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tones import RATE, sing

WEIGHTS = "weights.safetensors"


def sound() -> np.ndarray:
    """A text of the tones, (S,)."""
    return sing("abc d", np.random.default_rng(1))


# Recordings


def cut_short(path: Path) -> None:
    soundfile.write(path, sound(), RATE)
    path.write_bytes(path.read_bytes()[:5000])


def with_nan(path: Path) -> None:
    samples = sound()
    samples[1000] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")


BAD_RECORDINGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing.wav": (lambda path: None, "no such file or folder"),
    "empty.wav": (lambda path: path.write_bytes(b""), "empty (0 bytes)"),
    "truncated.wav": (cut_short, "cut short: its header promises 13,644 bytes, the file has 5,000"),
    "header.wav": (lambda path: path.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt "), "damaged or cut short"),
    "zero.wav": (lambda path: soundfile.write(path, np.zeros(0, np.float32), RATE), "holds no samples"),
    "nan.wav": (with_nan, "a NaN or infinite sample at 1000 (0.12 s)"),
    "hundred.wav": (lambda path: soundfile.write(path, np.zeros((800, 100)), RATE), "100 channels; at most 8 are read"),
    "text.wav": (lambda path: path.write_text("das ist kein Ton"), "text, not audio (it begins 'das ist kein Ton')"),
    "noise.flac": (lambda path: path.write_bytes(bytes(range(256)) * 20), "not audio in a known format"),
    "odd.raw": (lambda path: path.write_bytes(b"\0" * 101), "an odd number of bytes"),
    "folder.wav": (lambda path: path.mkdir(), "no recordings in this folder"),
}


@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_a_bad_recording_is_named(name, own, speechrnn, tmp_path):
    path, out = tmp_path / name, tmp_path / "out"
    make, message = BAD_RECORDINGS[name]
    make(path)
    said = speechrnn("transcribe", path, "-m", own.run, "-o", out)
    assert (said.status, said.out) == (1, "")
    said_error, remedy = [line for line in said.err.splitlines() if "recordings transcribed" not in line]
    assert said_error.startswith(f"error: {path}: ")
    assert message in said_error
    assert remedy.strip()
    assert not out.exists() or not list(out.iterdir()), "nothing half-written"


def test_what_a_recording_is_decides_its_content_not_its_name(own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "a.flac", sound(), RATE)
    (tmp_path / "a.flac").rename(tmp_path / "a.wav")
    said = speechrnn("transcribe", tmp_path / "a.wav", "-m", own.run)
    assert (said.status, said.out, said.err) == (0, "aéɔ ŋ\n", "")


@pytest.mark.parametrize("order", ["big", "little"])
def test_headerless_audio_is_read_in_either_byte_order_and_said(order, own, speechrnn, tmp_path):
    _say_byte_order.cache_clear()
    at_16_khz = np.repeat(sound(), 2)
    (tmp_path / "a.raw").write_bytes(np.round(at_16_khz * 32767).astype(">i2" if order == "big" else "<i2").tobytes())
    said = speechrnn("transcribe", tmp_path / "a.raw", "-m", own.run)
    assert (said.status, said.out) == (0, "aéɔ ŋ\n")
    assert said.err == f"headerless .raw audio is read as 16 kHz 16 bit mono, {order}-endian as the signal shows\n"


def test_a_header_that_lies_about_the_byte_order_is_said(own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.round(sound() * 32767).astype("<i2").byteswap(), RATE)
    said = speechrnn("transcribe", tmp_path / "a.wav", "-m", own.run)
    assert said.status == 0
    assert f"warning: {tmp_path / 'a.wav'}: loud noise as its header says" in said.err


def test_one_bad_recording_among_twenty_costs_no_other(own, speechrnn, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(20):
        soundfile.write(folder / f"{number:02d}.wav", sound(), RATE)
    cut_short(folder / "07.wav")
    said = speechrnn("transcribe", folder, "-m", own.run, "-o", out)
    assert said.status == 1
    assert said.err.splitlines()[0].startswith(f"error: {folder / '07.wav'}: cut short")
    assert said.err.splitlines()[-1] == f"19 of 20 recordings transcribed into {out}"
    assert sorted(path.name for path in out.iterdir()) == [f"{number:02d}.txt" for number in range(20) if number != 7]
    assert {path.read_text(encoding="utf-8") for path in out.iterdir()} == {"aéɔ ŋ\n"}


def test_two_milliseconds_are_an_error_and_silence_is_not(own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "short.wav", sound()[:16], RATE)
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * RATE), RATE)
    said = speechrnn("transcribe", tmp_path / "short.wav", tmp_path / "silence.wav", "-m", own.run, "-f", "json")
    assert said.status == 1
    (silence,) = map(json.loads, said.out.splitlines())
    assert (silence["text"], silence["duration"], silence["words"]) == ("", 3.0, [])
    warning, *error = said.err.splitlines()
    assert warning == f"warning: {tmp_path / 'silence.wav'}: silence, every sample is 0 (further ones are not named)"
    assert error == [
        f"error: {tmp_path / 'short.wav'}: 2 ms of audio, less than one analysis window (25 ms)",
        "       there is nothing to hear: leave it out, or record it again",
    ]


# Data directories


@pytest.fixture
def changed(own, tmp_path):
    """A copy of one's own data directory whose cuts ``change(split, cuts)`` has changed."""

    def make(change: Callable[[str, list[dict[str, Any]]], Any]) -> Path:
        folder = tmp_path / "data"
        shutil.copytree(own.data, folder)
        for split in ("train", "dev", "test"):
            path = folder / f"cuts_{split}.jsonl.gz"
            cuts = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
            change(split, cuts)
            path.write_bytes(gzip.compress("".join(json.dumps(cut) + "\n" for cut in cuts).encode()))
        return folder

    return make


@pytest.fixture
def train(speechrnn, small, tmp_path):
    """``speechrnn train`` that must fail before it begins, and leave nothing."""

    def call(data: Path, *words: str) -> list[str]:
        said = speechrnn("train", "experiment=base", f"data.dir={data}", f"run.dir={tmp_path / 'run'}", *small, *words)
        assert (said.status, said.out) == (1, ""), said.err
        assert not (tmp_path / "run").exists()
        lines = said.err.splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("error: "))
        return lines[start:]

    return call


def test_a_missing_recording_is_named(changed, train, speechrnn, own, tmp_path):
    data = changed(lambda split, cuts: cuts[1]["recording"]["sources"][0].update(source="gone.wav"))
    message, remedy = train(data)
    assert message == f"error: {data / 'cuts_train.jsonl.gz'}: 1 of 58 audio files are missing: {data / 'gone.wav'}"
    assert "bring them back" in remedy
    said = speechrnn("evaluate", data / "cuts_test.jsonl.gz", "-m", own.run, "-o", tmp_path / "out")
    assert said.status == 1
    assert f"failed and counts as deleted: {data / 'gone.wav'}: no such file" in said.err
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert scores["systems"][0]["wer"]["deletions"] > 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"type": "command", "source": "touch {marker}"},
            "its source is of type 'command'; only files are read, nothing is executed",
        ),
        ({"type": "url", "source": "http://127.0.0.1:9/a.wav"}, "its source is of type 'url'; only files are read"),
        ({"type": "memory", "source": "AAAA"}, "its source is of type 'memory'"),
        ({"source": "touch {marker} |"}, "audio files are missing"),
        ({"source": "$(touch {marker})"}, "audio files are missing"),
    ],
)
def test_what_is_no_file_is_refused_and_never_run(source, message, changed, train, speechrnn, own, tmp_path):
    marker = tmp_path / "marker"
    source = {name: value.replace("{marker}", str(marker)) for name, value in source.items()}
    data = changed(lambda split, cuts: cuts[1]["recording"]["sources"][0].update(source))
    assert message in train(data)[0]
    assert speechrnn("evaluate", data / "cuts_test.jsonl.gz", "-m", own.run, "-o", tmp_path / "out").status == 1
    assert speechrnn("data", "show", data).status == (1 if "type" in source else 0)
    assert not marker.exists()


def test_a_pipe_in_kaldis_wav_scp_is_never_run(speechrnn, tmp_path):
    source, marker = tmp_path / "kaldi", tmp_path / "marker"
    source.mkdir()
    (source / "wav.scp").write_text(f"u1 touch {marker} |\n")
    (source / "text").write_text("u1 hello\n")
    said = speechrnn("data", "import", "kaldi", source, tmp_path / "out")
    assert (said.status, said.out) == (1, "")
    assert "wav.scp" in said.error()[0]
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


def test_an_unknown_symbol_is_shown_with_its_code_point_and_place(own, train, tmp_path):
    (tmp_path / "tokens.txt").write_text("<space>\na\né\nɔ\n", encoding="utf-8")
    message, symbol, remedy = train(own.data, f"head.tokens={tmp_path / 'tokens.txt'}")
    assert "transcripts cannot be written in the model's tokens:" in message
    assert "symbol 'ŋ' (U+014B LATIN SMALL LETTER ENG) at position" in symbol
    assert "(first in " in symbol
    assert "text.remove=" in remedy


@pytest.mark.parametrize(("content", "message"), [(b"", "empty"), (b"a\n\nb\n", "line 2: empty"), (None, "no such file")])
def test_bad_tokens_are_named(content, message, own, train, tmp_path):
    path = tmp_path / "tokens.txt"
    if content is not None:
        path.write_bytes(content)
    said, _ = train(own.data, f"head.tokens={path}")
    assert said.startswith(f"error: {path}")
    assert message in said


def test_a_target_longer_than_its_frames_is_named(changed, train):
    def change(split, cuts):
        if split == "train":
            cuts[3]["supervisions"][0]["text"] = "aé" * 100
            change.id = cuts[3]["id"]

    data = changed(change)
    message, remedy = train(data)
    assert "1 of 58 utterances have more tokens than CTC can spell in their frames" in message
    assert change.id in message
    assert "look at these transcripts" in remedy


def test_a_dev_utterance_that_cannot_be_spelled_does_not_spoil_the_loss(changed, speechrnn, small, tmp_path):
    data = changed(lambda split, cuts: cuts[1]["supervisions"][0].update(text="aé" * 100) if split == "dev" else None)
    said = speechrnn("train", "experiment=base", f"data.dir={data}", f"run.dir={tmp_path / 'run'}", *small, "trainer.max_epochs=1")
    assert said.status == 0
    assert "dev data: 1 utterances left out, with more tokens than CTC can spell" in said.err
    assert "dev loss inf" not in said.err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: (data / "cuts_train.jsonl.gz").unlink(), "no cuts_train.jsonl.gz in it"),
        (lambda data: (data / "cuts_dev.jsonl.gz").write_bytes(gzip.compress(b"")), "no utterances in it"),
        (lambda data: (data / "cuts_train.jsonl.gz").write_bytes(gzip.compress(b'{"id": "a"}')), "line 1: "),
        (lambda data: (data / "cuts_train.jsonl.gz").write_bytes(gzip.compress(b"{oops\n")), "line 1: not JSON"),
        (lambda data: (data / "cuts_train.jsonl.gz").write_bytes(gzip.compress(b"{}" * 999)[:-9]), "damaged gzip file"),
        (lambda data: (data / "corpus.json").write_text("{oops"), "corpus.json: "),
        (lambda data: (data / "corpus.json").write_text("7"), "corpus.json: "),
        (shutil.rmtree, "no such data directory"),
    ],
)
def test_a_damaged_data_directory_is_named(damage, message, own, train, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(own.data, data)
    damage(data)
    said, remedy = train(data)
    assert said.startswith(f"error: {data}")
    assert message in said
    assert remedy.strip()


def test_hostile_ids_stay_text(changed, speechrnn, own, small, tmp_path):
    ids = ["../../../../marker", "<script>alert(1)</script>", "a b\x1b[31m\u202e", "-o", "$(touch marker)", "C:\\con"]

    def change(split, cuts):
        for cut, identity in zip(cuts, ids, strict=False):
            cut["id"] = cut["supervisions"][0]["id"] = identity

    data, out = changed(change), tmp_path / "out"
    before = set(tmp_path.rglob("*"))
    run = tmp_path / "run"
    assert speechrnn("train", "experiment=base", f"data.dir={data}", f"run.dir={run}", *small, "trainer.max_epochs=1").status == 0
    assert speechrnn("evaluate", data / "cuts_test.jsonl.gz", "-m", own.run, "-o", out).status == 0
    assert speechrnn("score", data / "cuts_test.jsonl.gz", out / "hypotheses.jsonl").status == 0
    assert speechrnn("data", "show", data, "--samples", "9").status == 0
    new = {path for path in set(tmp_path.rglob("*")) - before if run not in path.parents and out not in path.parents}
    assert new == {run, out}, "an id is no path"
    assert "<script>alert(1)</script>" not in (out / "report.html").read_text(encoding="utf-8")


# Model directories


def reseal(model: Path, name: str) -> None:
    """Give a changed file the checksum an attacker would."""
    info = json.loads((model / "model.json").read_text(encoding="utf-8"))
    info["sha256"][name] = hashlib.sha256((model / name).read_bytes()).hexdigest()
    (model / "model.json").write_text(json.dumps(info), encoding="utf-8")


class Hostile:
    """Its pickle runs a command when it is opened."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def replace(model: Path, name: str, old: str, new: str) -> None:
    text = (model / name).read_text(encoding="utf-8")
    assert old in text
    (model / name).write_text(text.replace(old, new), encoding="utf-8")


def truncate(model: Path, marker: Path) -> None:
    (model / WEIGHTS).write_bytes((model / WEIGHTS).read_bytes()[:-100])


def swap(model: Path, marker: Path) -> None:
    weights = load_file(model / WEIGHTS)
    save_file({name: array[:-1] if name.startswith("head.") else array for name, array in weights.items()}, model / WEIGHTS)


def rename_pickle(model: Path, marker: Path) -> None:
    (model / WEIGHTS).write_bytes(pickle.dumps(Hostile(f"touch {marker}")))


def interpolate(model: Path, marker: Path) -> None:
    replace(model, "config.yaml", "sampling_rate: 8000", "sampling_rate: 8000\nhome: ${oc.env:HOME}")


def call_in_yaml(model: Path, marker: Path) -> None:
    replace(model, "config.yaml", "sampling_rate: 8000", f"sampling_rate: !!python/object/apply:os.system ['touch {marker}']")


def ask_for_memory(model: Path, marker: Path) -> None:
    replace(model, "config.yaml", "hidden: 32", "hidden: 32000000")


def ask_for_time(model: Path, marker: Path) -> None:
    replace(model, "config.yaml", "layers: 1", "layers: 100000000")


def other_tokens(model: Path, marker: Path) -> None:
    (model / "tokens.txt").write_text("<blank>\na\n")


BAD_MODELS: dict[str, tuple[Callable[[Path, Path], None], str, str]] = {
    "truncated": (truncate, WEIGHTS, "no safetensors file"),
    "swapped": (swap, WEIGHTS, "weights and configuration disagree"),
    "pickle": (rename_pickle, WEIGHTS, "no safetensors file"),
    "interpolation": (interpolate, "config.yaml", "interpolation ${…} is refused"),
    "call": (call_in_yaml, "config.yaml", "no valid YAML"),
    "memory": (ask_for_memory, "config.yaml", "weights and configuration disagree"),
    "time": (ask_for_time, "config.yaml", "weights and configuration disagree"),
    "tokens": (other_tokens, "tokens.txt", "weights and configuration disagree"),
}


@pytest.mark.parametrize("sealed", [False, True], ids=["as it is", "checksum fixed"])
@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_bad_model_is_refused(name, sealed, own, speechrnn, tmp_path):
    damage, file, message = BAD_MODELS[name]
    model, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(own.model, model)
    damage(model, marker)
    if sealed:
        reseal(model, file)
    recording, out = next(own.recordings.glob("*.wav")), tmp_path / "out"
    said = speechrnn("transcribe", recording, "-m", model, "-o", out)
    assert (said.status, said.out) == (1, "")
    first, _ = said.error()
    assert (message if sealed else f"{model / file}: its checksum is not the one in model.json") in first
    assert str(Path.home()) not in said.err or str(model).startswith(str(Path.home()))
    evaluated = speechrnn("evaluate", own.data / "cuts_test.jsonl.gz", "-m", model, "-o", out)
    assert (evaluated.status, evaluated.err) == (1, said.err)
    assert not out.exists()
    assert not marker.exists()


def test_a_place_without_a_model_is_named(own, speechrnn, tmp_path):
    recording = next(own.recordings.glob("*.wav"))
    for path, message in ((tmp_path / "none", "no such model directory"), (own.data, "no model in it (model.json is missing)")):
        said = speechrnn("transcribe", recording, "-m", path)
        assert said.status == 1
        assert said.error()[0] == f"{path}: {message}"
