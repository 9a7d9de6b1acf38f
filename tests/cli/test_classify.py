"""One statement about a recording, from the outside: trained, used, scored; what makes no sense is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tones import RATE, sing

from speechrnn.data.manifest import read_manifest, write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.errors import Unsupported
from speechrnn.recognizer import Classifier, Recognizer, load

QUICK = (
    "model.hidden=16", "model.layers=1", "trainer.max_epochs=12", "trainer.learning_rate=0.01", "trainer.average=none",
    "data.speeds=1.0", "features.frontend.mel_bins=20", "features.specaugment.time_masks=0",
)  # fmt: skip


def write(folder: Path, split: str, texts: list[str], rng: np.random.Generator) -> None:
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    found = []
    for number, text in enumerate(texts):
        path = folder / "audio" / f"{split}{number:03d}.wav"
        samples = sing(text, rng)
        soundfile.write(path, samples, RATE)
        custom = {"label": f"{text[0]} class", "height": 100.0 + 50 * "abcd".index(text[0])}
        found.append(Utterance(path.stem, path, RATE, 0, len(samples), None, text, custom=custom, recording_samples=len(samples)))
    write_manifest(folder / f"cuts_{split}.jsonl.gz", found)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Tones of one height a recording, one to three times."""
    folder, rng = tmp_path_factory.mktemp("classes"), np.random.default_rng(0)
    for split, size in (("train", 60), ("dev", 16), ("test", 16)):
        write(folder, split, [str(rng.choice(list("abcd"))) * int(rng.integers(1, 4)) for _ in range(size)], rng)
    return folder


@pytest.fixture(scope="module")
def run(corpus, speechrnn, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "classify"
    called = speechrnn("train", "experiment=base/classify", f"data.dir={corpus}", f"run.dir={out}", *QUICK)
    assert called.status == 0, called.err
    assert "head.label=label, as the data suggest" in called.err
    assert "blank" not in called.err
    return out


def test_it_knows_what_it_has_not_heard(run, corpus, speechrnn, tmp_path):
    out = tmp_path / "report"
    called = speechrnn("evaluate", corpus / "cuts_test.jsonl.gz", "-m", run, "-o", out)
    assert called.status == 0, called.err
    assert "accuracy 100.00 %" in called.out
    (system,) = json.loads((out / "scores.json").read_text())["systems"]
    assert (system["error"]["tokens"], system["accuracy"]["percent"], system["macro_f1"]["percent"]) == (16, 100, 100)
    assert set(system["labels"]) == {f"{tone} class" for tone in "abcd"}
    page = (out / "report.html").read_text()
    assert "macro F1" in page
    assert "what is heard as what;" in page
    assert "By length" in page
    assert "By speaking rate" not in page


def test_label_and_probability_are_printed(run, corpus, speechrnn):
    path = next(iter(read_manifest(corpus / "cuts_test.jsonl.gz"))).audio
    called = speechrnn("transcribe", path, "-m", run)
    label, _, probability = called.out.strip().partition("\t")
    assert label.endswith(" class")
    assert 0.5 < float(probability) <= 1
    record = json.loads(speechrnn("transcribe", path, "-m", run, "-f", "json").out)
    assert record["text"] == label
    assert len(record["alternatives"]) == 3


def test_a_batch_changes_nothing_and_probabilities_sum_to_one(run, corpus):
    recognizer = load(run)
    assert isinstance(recognizer, Classifier)
    assert isinstance(recognizer, Recognizer)
    paths = [u.audio for u in read_manifest(corpus / "cuts_test.jsonl.gz")]
    for path, transcript in zip(paths, recognizer.transcribe_many(paths), strict=True):
        found = recognizer.classify(path)
        assert transcript.text == found.label
        assert transcript.tokens[0].confidence == pytest.approx(found.probability, abs=2e-4)
        assert sum(found.probabilities) == pytest.approx(1, abs=1e-5)


def test_classes_never_seen_are_reported_and_are_errors(run, corpus, speechrnn, tmp_path):
    utterances = read_manifest(corpus / "cuts_test.jsonl.gz")
    utterances[0] = dataclasses.replace(utterances[0], custom={"label": "e class"})
    write_manifest(tmp_path / "cuts_odd.jsonl.gz", utterances)
    called = speechrnn("evaluate", tmp_path / "cuts_odd.jsonl.gz", "-m", run, "-o", tmp_path / "report")
    assert called.status == 0
    assert "1 of 16 utterances are of classes it has never seen, and count as errors: e class" in called.err
    (system,) = json.loads((tmp_path / "report" / "scores.json").read_text())["systems"]
    assert system["error"]["errors"] == 1
    assert system["labels"]["e class"]["f1"] == 0


def test_a_manifest_with_one_class_is_refused(corpus, speechrnn, tmp_path):
    rng = np.random.default_rng(1)
    for split in ("train", "dev"):
        write(tmp_path / "data", split, ["aa"] * 4, rng)
    called = speechrnn("train", "experiment=base/classify", f"data.dir={tmp_path / 'data'}", f"run.dir={tmp_path / 'run'}")
    assert called.status == 1
    assert "all training utterances are of one class, 'a class'" in called.err
    assert not (tmp_path / "run").exists()


def test_what_it_cannot_do_is_said(run, corpus, speechrnn, tmp_path):
    path = next(iter(read_manifest(corpus / "cuts_test.jsonl.gz"))).audio
    lm = tmp_path / "lm.arpa"
    lm.write_text("\\data\\\n")
    called = speechrnn("transcribe", path, "-m", run, "--lm", lm)
    assert called.status != 0
    assert "says one thing of a whole recording" in called.err
    (tmp_path / "text.txt").write_text("a\n")
    called = speechrnn("align", path, tmp_path / "text.txt", "-m", run)
    assert called.status != 0
    assert "Traceback" not in called.err


@pytest.fixture(scope="module")
def regression(corpus, speechrnn, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "regression"
    called = speechrnn(
        "train", "experiment=base/classify", "head=regression", "head.value=height", f"data.dir={corpus}", f"run.dir={out}",
        *QUICK, "trainer.max_epochs=30",
    )  # fmt: skip
    assert called.status == 0, called.err
    return out


def test_a_number_is_learned(regression, corpus):
    recognizer = load(regression)
    utterances = read_manifest(corpus / "cuts_test.jsonl.gz")
    errors = [float(recognizer.transcribe(u.audio).text) - u.custom["height"] for u in utterances]
    # Heights are 100 to 250 in steps of 50: nearer to the right one than to any other.
    assert np.abs(errors).max() < 25
    with pytest.raises(Unsupported, match="gives a number"):
        recognizer.classify(utterances[0].audio)


def test_numbers_are_evaluated(regression, corpus, speechrnn, tmp_path):
    manifest = corpus / "cuts_test.jsonl.gz"
    called = speechrnn("evaluate", manifest, "-m", regression, "-o", tmp_path)
    assert called.status == 0, called.err
    recognizer, utterances = load(regression), read_manifest(manifest)
    truth = np.array([utterance.custom["height"] for utterance in utterances])
    said = np.array([float(recognizer.transcribe(utterance.audio).text) for utterance in utterances])
    record = json.loads((tmp_path / "scores.json").read_text())
    (system,) = record["systems"]
    found = system["numbers"]
    # A batch changes what is printed by its last digit at most.
    assert found["rmse"]["value"] == pytest.approx(np.sqrt(np.square(said - truth).mean()), rel=1e-3)
    assert found["rmse"]["low"] < found["rmse"]["value"] < found["rmse"]["high"]
    assert found["rmse_of_the_mean"] == pytest.approx(truth.std())
    assert found["rmse"]["high"] < found["rmse_of_the_mean"]
    assert (found["of"], found["utterances"], system["failed"], record["normalization"]) == ("height", 16, [], {})
    assert not {"error", "wer", "utterances_right"} & set(system)
    assert f"height of 16 utterances: RMSE {found['rmse']['value']:.5g}" in called.out
    lines = [json.loads(line) for line in (tmp_path / "hypotheses.jsonl").read_text().splitlines()]
    assert [float(line["reference"]) for line in lines] == truth.tolist()
    assert [float(line["hypothesis"]) for line in lines] == pytest.approx(said.tolist(), rel=1e-4)
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Estimates of height</h1>" in page
    assert page.count('<circle class="dot"') == 16
    assert page.count("<audio") == 16


def test_a_recording_that_cannot_be_read_has_no_number_and_is_named(regression, corpus, speechrnn, tmp_path):
    utterances = read_manifest(corpus / "cuts_test.jsonl.gz")
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(utterances[0].audio.read_bytes()[:1000])
    utterances[0] = dataclasses.replace(utterances[0], audio=damaged)
    write_manifest(tmp_path / "cuts_test.jsonl.gz", utterances)
    models = ("-m", regression, "--name", "x", "-m", regression / "model", "--name", "y")
    called = speechrnn("evaluate", tmp_path / "cuts_test.jsonl.gz", *models, "-o", tmp_path / "report", "--tables")
    assert called.status == 1
    assert f"x: {utterances[0].id} failed and is left out" in called.err
    assert "| 15, 1 failed |" in called.out
    record = json.loads((tmp_path / "report" / "scores.json").read_text())
    assert [(system["numbers"]["utterances"], system["failed"]) for system in record["systems"]] == [(15, [utterances[0].id])] * 2
    assert [(pair["metric"], pair["difference"], pair["p"]) for pair in record["pairs"]] == [("rmse", 0, 1)]
    assert "They have no number and are left out of the figures." in (tmp_path / "report" / "report.html").read_text()


def test_what_goes_with_counted_errors_does_not_go_with_numbers(run, regression, corpus, speechrnn, tmp_path):
    manifest, out = corpus / "cuts_test.jsonl.gz", tmp_path / "report"
    bare = tmp_path / "cuts_bare.jsonl.gz"
    utterances = read_manifest(manifest)
    utterances[3] = dataclasses.replace(utterances[3], custom={"height": "tall"})
    write_manifest(bare, utterances)
    for words, status, said in [
        (("evaluate", manifest, "-m", regression, "-m", run, "-o", out), 2, "gives the number 'height' of the manifest, "),
        (("evaluate", manifest, "-m", regression, "-o", out, "--trn"), 2, "--trn is for texts"),
        (("evaluate", bare, "-m", regression, "-o", out), 1, f"have no number in 'height': {utterances[3].id}"),
        (("tune", manifest, "-m", regression), 2, "a model that cannot be tuned"),
    ]:
        called = speechrnn(*words)
        assert called.status == status
        assert said in called.err
        assert not (out / "scores.json").exists()


def test_numbers_that_do_not_differ_are_named_though_some_are_missing(corpus, speechrnn, tmp_path):
    for split in ("train", "dev"):
        utterances = read_manifest(corpus / f"cuts_{split}.jsonl.gz")
        changed = [dataclasses.replace(u, custom={"height": 7.5} if n else {}) for n, u in enumerate(utterances)]
        write_manifest(tmp_path / f"cuts_{split}.jsonl.gz", changed)
    called = speechrnn(
        "train",
        "experiment=base/classify",
        "head=regression",
        "head.value=height",
        f"data.dir={tmp_path}",
        f"run.dir={tmp_path / 'r'}",
    )
    assert called.status == 1
    assert "'height' is 7.5 wherever the training data have it" in called.err


def test_a_dev_of_classes_unknown_to_training_is_told_apart_from_bad_transcripts(corpus, speechrnn, tmp_path):
    for split in ("train", "dev"):
        utterances = read_manifest(corpus / f"cuts_{split}.jsonl.gz")
        if split == "dev":
            utterances = [dataclasses.replace(u, custom={"label": "new"}) for u in utterances]
        write_manifest(tmp_path / f"cuts_{split}.jsonl.gz", utterances)
    called = speechrnn("train", "experiment=base/classify", f"data.dir={tmp_path}", f"run.dir={tmp_path / 'r'}", *QUICK)
    assert called.status == 1
    assert "dev data: no utterance is left" in called.err
    assert "the warnings above say what they lack" in called.err
