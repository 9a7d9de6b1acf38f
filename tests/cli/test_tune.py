"""``speechrnn tune`` on a model of one's own, and who uses what it stores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from speechrnn.cli.tune import _rows
from speechrnn.decoding.tuned import Tuned
from speechrnn.jobs.tune import Outcome
from speechrnn.jobs.weight_search import Trial
from speechrnn.scoring.rates import Counts


@pytest.fixture(scope="module")
def model(own, tmp_path_factory) -> Path:
    return shutil.copytree(own.model, tmp_path_factory.mktemp("tuned") / "model")


@pytest.fixture(scope="module")
def lm(own, speechrnn, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "words.arpa"
    assert speechrnn("lm", "train", own.data / "cuts_train.jsonl.gz", "-o", path, "--smoothing", "witten-bell").status == 0
    return path


def test_from_tuning_to_transcripts(own, speechrnn, model: Path, lm: Path, tmp_path: Path) -> None:
    dev, recording = own.data / "cuts_dev.jsonl.gz", own.recordings / "00 né.wav"
    before = speechrnn("transcribe", recording, "-m", model, "--lm", lm)
    assert "no weights are tuned for these helpers" in before.err
    table = tmp_path / "tried.tsv"
    tuned = speechrnn("tune", dev, "-m", model, "--lm", lm, "-o", table, "--jobs", 1)
    assert tuned.status == 0, tuned.err
    assert tuned.out.splitlines()[0].split() == ["lm_weight", "word_bonus", "WER", "%", "errors"]
    assert "stored" in tuned.out
    assert f"wrote {model / 'decoding.yaml'}" in tuned.err
    assert len(table.read_text().splitlines()) > 24
    first = (model / "decoding.yaml").read_bytes()
    assert speechrnn("tune", dev, "-m", model, "--lm", lm).status == 0
    assert (model / "decoding.yaml").read_bytes() == first, "the same every time"
    after = speechrnn("transcribe", recording, "-m", model, "--lm", lm)
    assert after.status == 0, after.err
    assert after.err.startswith("decoding weights lm_weight=")
    assert "decoding.yaml, tuned on cuts_dev.jsonl.gz (WER" in after.err
    given = speechrnn("transcribe", recording, "-m", model, "--lm", lm, "--decoding", "lm_weight=0.3")
    assert given.err.startswith("decoding weights word_bonus=")
    assert "; lm_weight=0.3 as given" in given.err
    assert "decoding weights" not in speechrnn("transcribe", recording, "-m", model).err


def test_evaluate_decodes_as_it_was_tuned_and_says_what_confidences_are_worth(own, speechrnn, model, lm, tmp_path) -> None:
    dev = own.data / "cuts_dev.jsonl.gz"
    assert speechrnn("tune", dev, "-m", model, "--lm", lm).status == 0
    stored = speechrnn("tune", dev, "-m", model, "--lm", lm).out
    errors = int(stored[: stored.index(" errors in")].rpartition("(")[2])
    said = speechrnn("evaluate", dev, "-m", model, "-o", tmp_path, "--lm", lm)
    assert said.status == 0, said.err
    (system,) = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["systems"]
    assert system["wer"]["errors"] == errors
    words = system["confidence"]["words"]
    assert words["number"] == system["wer"]["tokens"] - system["wer"]["deletions"] + system["wer"]["insertions"]
    assert words["wrong"] == system["wer"]["substitutions"] + system["wer"]["insertions"]
    assert 0 <= words["calibration_error"]["value"] <= 1
    assert f"confidence of {words['number']} words" in said.out


def test_without_helpers_confidences_are_calibrated(own, speechrnn, model: Path) -> None:
    said = speechrnn("tune", own.data / "cuts_dev.jsonl.gz", "-m", model)
    assert said.status == 0, said.err
    assert said.out.startswith("WER ")
    assert "  greedy:\n" in (model / "decoding.yaml").read_text(encoding="utf-8")


def test_a_damaged_file_stops_every_command(own, speechrnn, tmp_path: Path) -> None:
    model = shutil.copytree(own.model, tmp_path / "model")
    (model / "decoding.yaml").write_text("version: 1\n")
    dev = own.data / "cuts_dev.jsonl.gz"
    for words in (("tune", dev), ("transcribe", own.recordings), ("evaluate", dev, "-o", tmp_path / "out")):
        said = speechrnn(*words, "-m", model)
        assert said.status == 1
        message, remedy = said.error()
        assert message == f"{model / 'decoding.yaml'}: not what speechrnn tune writes, or damaged"
        assert remedy == "remove the file, then run speechrnn tune again"


def test_wrong_calls(own, speechrnn, model: Path, tmp_path: Path) -> None:
    dev = own.data / "cuts_dev.jsonl.gz"
    assert speechrnn("tune", tmp_path / "none.jsonl.gz", "-m", model).error()[0].endswith("no such manifest")
    assert speechrnn("tune", dev, "-m", tmp_path).error()[0].endswith("no model in it (model.json is missing)")
    assert speechrnn("tune", dev, "-m", model, "--lm", tmp_path / "none.arpa").status == 1
    said = speechrnn("tune", dev, "-m", model, "--decoding", "lm_wieght=1")
    assert said.status == 2
    assert "did you mean 'lm_weight'?" in said.err


def test_what_is_stored_is_shown_though_many_settings_err_less() -> None:
    trials = [Trial({"lm_weight": n / 4, "word_bonus": 0.0}, Counts(n, 100, 0, 0, n)) for n in range(20, 0, -1)]
    shown, _ = _rows(Outcome("wer", tuple(trials), trials[3], Tuned("none", "dev", "", "wer", 17, 100), {}, {}))
    assert [row[3] for row in shown] == [*range(1, 11), 17, 20]
    assert [row[4] for row in shown[-2:]] == ["stored", "default"]
