"""Sound, posteriors and training for a page: what is taken, and what happens where something is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speechrnn.audio import write
from speechrnn.cli.main import run
from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.errors import Unsupported
from speechrnn.jobs.evaluate import Loaded, evaluate
from speechrnn.jobs.report_material import details, model_bytes, noise, training
from speechrnn.records import Posteriors
from speechrnn.reports.training import Training


@pytest.fixture
def utterances(tmp_path: Path) -> list[Utterance]:
    """u0 is loud from its middle on; u1 is the second half of the same file; the file of u2 is missing."""
    time = np.arange(32_000) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * 500 * time) * (time > 1)
    write(tmp_path / "a.wav", (tone + 0.001 * np.random.default_rng(1).standard_normal(32_000)).astype(np.float32), 16_000)
    return [
        Utterance("u0", tmp_path / "a.wav", 16_000, 0, 32_000, None, "a b", "s"),
        Utterance("u1", tmp_path / "a.wav", 16_000, 12_000, 16_000, None, "a", "s", recording_samples=32_000),
        Utterance("u2", tmp_path / "none.wav", 16_000, 0, 16_000, None, "a", "s"),
    ]


def with_posteriors(recognizer: Any, **more: Any) -> Any:
    def posteriors(clip: Any, *, sample_rate: int | None = None) -> Posteriors:
        return Posteriors(np.log(np.full((10, 2), 0.5, np.float32)), ("<blank>", clip.id), 0.1)

    recognizer.posteriors = posteriors
    for name, value in more.items():
        setattr(recognizer, name, value)
    return recognizer


def test_noise_is_measured_in_the_clip_and_passes_over_what_cannot_be_read(utterances: list[Utterance]) -> None:
    found = noise(utterances)
    assert set(found) == {"u0", "u1"}
    assert found["u0"] == pytest.approx(10 * np.log10(0.045 / 1e-6), abs=1.5)


def test_details_hold_the_clips_own_sound_and_posteriors_where_there_are_any(fake: Any, utterances: list[Utterance]) -> None:
    heard = {"u0": "a b", "u1": "x", "u2": "broken"}
    loaded = [Loaded("rnn", Path("r"), with_posteriors(fake(heard))), Loaded("hmm", Path("h"), fake(heard))]
    evaluation = evaluate(utterances, loaded, snr={"u0": 12.5})
    assert [item.snr for item in evaluation.systems[1].items] == [12.5, None, None]
    found = details(evaluation, utterances, loaded)
    assert set(found) == {"u0", "u1"}, "what cannot be read has none"
    assert list(found["u0"].curves) == ["rnn"]
    assert found["u1"].curves["rnn"][1].token == "u1"
    samples, rate = soundfile.read(BytesIO(found["u1"].audio))
    assert (len(samples), rate) == (16_000, 16_000)
    # u1 begins at 0.75 s of the file, where it is quiet for another quarter of a second.
    assert np.abs(samples[:3_500]).max() < 0.05 < 0.25 < np.abs(samples[4_500:]).max()
    silent = details(evaluation, utterances, loaded, sound=False)
    assert silent["u0"].audio == b""
    assert silent["u0"].spectrogram == found["u0"].spectrogram != b""


def test_a_recognizer_that_hears_speakers_is_given_all_recordings(fake: Any, utterances: list[Utterance]) -> None:
    seen: list[str] = []

    def posteriors_many(clips: list[Any], *, on_error: Any) -> Iterator[tuple[Any, np.ndarray, int]]:
        for clip in clips:
            seen.append(clip.id)
            yield clip, np.log(np.array([[0.1, 0.9]] * 3, np.float32)), 1

    recognizer = with_posteriors(fake({"u0": "", "u1": "", "u2": ""}), hears_speakers=True, posteriors_many=posteriors_many)
    loaded = [Loaded("x", Path("x"), recognizer)]
    found = details(evaluate(utterances, loaded), utterances, loaded)
    assert seen == ["u0", "u1", "u2"]
    assert max(value for _, value in found["u1"].curves["x"][-1].points) == pytest.approx(0.9)


def test_a_kind_that_refuses_posteriors_has_none(fake: Any, utterances: list[Utterance]) -> None:
    recognizer = fake({"u0": "", "u1": "", "u2": ""})

    def refuse(*_: Any, **__: Any) -> None:
        raise Unsupported("an hmm gives no posteriors", "use an rnn")

    recognizer.posteriors = refuse
    loaded = [Loaded("x", Path("x"), recognizer)]
    assert details(evaluate(utterances, loaded), utterances, loaded)["u0"].curves == {}


def test_training_is_read_from_the_run_of_a_model(tmp_path: Path) -> None:
    assert training(tmp_path / "none") == Training()
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.json").write_text("{}")
    (tmp_path / "model/config.yaml").write_text("cell: gru\n")
    assert training(tmp_path / "model") == Training(config="cell: gru\n")
    (tmp_path / "run.json").write_text(json.dumps({"seconds": 5, "seed": 7}))
    (tmp_path / "config.yaml").write_text("cell: gru\nseed: 7\n")
    (tmp_path / "metrics.csv").write_text("epoch,step,loss,dev_error\n1,1,4,\n1,2,2,50\n2,3,1,25\n")
    for path in (tmp_path, tmp_path / "model"):
        found = training(path)
        assert found.facts == {"seconds": 5, "seed": 7}
        assert found.config == "cell: gru\nseed: 7\n"
        assert {one.name: one.points for one in found.series} == {"loss": ((1, 3), (2, 1)), "dev_error": ((1, 50), (2, 25))}
    (tmp_path / "run.json").write_text("{")
    assert training(tmp_path).facts == {}
    assert model_bytes(tmp_path) == 12
    assert model_bytes(tmp_path / "none") is None


def test_the_command_puts_sound_into_the_page_unless_told_not_to(
    fake: Any, utterances: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more: fake({"u0": "a b", "u1": "x"}))
    write_manifest(tmp_path / "cuts.jsonl.gz", utterances[:2])
    (tmp_path / "corpus.json").write_text('{"title": "Own", "licence": "CC BY 4.0"}')
    for options, recordings in [((), 2), (("--audio", "worst"), 2), (("--audio", "none"), 0)]:
        out = tmp_path / "out"
        assert run(["evaluate", str(tmp_path / "cuts.jsonl.gz"), "-m", "x", "-o", str(out), "--trn", *options]) == 0
        html = (out / "report.html").read_text(encoding="utf-8")
        assert html.count("<audio ") == recordings
        assert html.count("<image ") == 2
        assert ("2 recordings (0.1 minutes) of Own; licence: CC BY 4.0" in html) == bool(recordings)
        assert (out / "fake.ref.trn").read_text() == "a b (s-u0)\na (s-u1)\n"
    assert run(["evaluate", str(tmp_path / "cuts.jsonl.gz"), "-m", "x", "-o", str(out), "--audio", "all"]) == 2


def test_the_same_evaluation_makes_the_same_page(
    fake: Any, utterances: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more: with_posteriors(fake({"u0": "a b", "u1": "x"})))
    monkeypatch.setattr("speechrnn.jobs.evaluate.time.perf_counter", lambda: 0.0)
    write_manifest(tmp_path / "cuts.jsonl.gz", utterances[:2])
    pages = []
    for name in ("one", "two"):
        assert run(["evaluate", str(tmp_path / "cuts.jsonl.gz"), "-m", "x", "-o", str(tmp_path / name)]) == 0
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]
