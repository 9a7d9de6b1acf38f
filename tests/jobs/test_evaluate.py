"""Evaluation of recognizers over a manifest: what counts, what fails, what is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from speechrnn.cli.main import run
from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError
from speechrnn.jobs.evaluate import Loaded, evaluate, facts, load_systems, provenance
from speechrnn.recognizer import Recognizer
from speechrnn.reports.scores import scores_record
from speechrnn.scoring.rates import Counts
from speechrnn.text.labels import Labels
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, Tokenizer


def utterances(**texts: str) -> list[Utterance]:
    return [Utterance(name, Path(f"/nowhere/{name}.wav"), 8000, 0, 16_000, None, text, "s") for name, text in texts.items()]


def systems(**recognizers: Any) -> list[Loaded]:
    return [Loaded(name, Path(f"runs/{name}"), recognizer) for name, recognizer in recognizers.items()]


def test_the_fake_fulfils_the_protocol(fake: Any) -> None:
    assert isinstance(fake(), Recognizer)


def test_a_model_of_characters_is_scored_in_words_and_characters(fake: Any) -> None:
    found = evaluate(utterances(u1="ab  c", u2="d"), systems(x=fake({"u1": "ab d", "u2": "d"}), y=fake({"u1": "ab c", "u2": "d"})))
    assert {name: m["wer"].counts for name, m in found.measures.items()} == {"x": Counts(1, 3, 0, 0, 1), "y": Counts(0, 3, 0, 0, 0)}
    assert found.measures["x"]["cer"].counts == Counts(1, 5, 0, 0, 1)
    assert [(pair.a, pair.b, pair.metric) for pair in found.pairs] == [("x", "y", "wer"), ("x", "y", "cer")]
    item = found.systems[0].items[0]
    assert (item.tokens, item.times[1], item.confidences[0]) == (("a", "b", "<space>", "d"), (0.1, pytest.approx(0.15)), 0.9)


def test_a_model_of_letters_is_scored_without_word_boundaries(fake: Any, letters: Tokenizer) -> None:
    found = evaluate(utterances(u1="kp a o ñ"), systems(x=fake({"u1": "k pao"}, letters)))
    assert list(found.measures["x"]) == ["per"]
    assert found.measures["x"]["per"].counts == Counts(1, 5, 0, 1, 0), "the letter the model lacks is an error"


def test_phones_of_the_reference_come_from_the_lexicon(fake: Any) -> None:
    tokenizer = Tokenizer((BLANK, "AH", "EY", "B"), "phones", {"A": [("AH",), ("EY",)], "B": [("B", "EY")]})
    found = evaluate(utterances(u1="A B"), systems(x=fake({"u1": "EY B EY"}, tokenizer)))
    assert found.measures["x"]["per"].counts == Counts(1, 3, 0, 0, 1)
    with pytest.raises(DataError, match="2 words of the references have no pronunciation in runs/x: Y, X"):
        evaluate(utterances(u1="A X Y Y"), systems(x=fake({"u1": ""}, tokenizer)))


def test_references_are_normalized_by_the_models_rule(fake: Any) -> None:
    rule = TextOptions(case="lower", remove=".")
    assert evaluate(utterances(u1="Ab."), systems(x=fake({"u1": "AB"}, text=rule))).measures["x"]["wer"].counts.errors == 0
    with pytest.raises(UsageError, match=r"x normalizes text by .*'lower'.*, y by .*'keep'"):
        evaluate(utterances(u1="ab"), systems(x=fake({"u1": "ab"}, text=rule), y=fake({"u1": "ab"})))


def test_what_cannot_be_read_counts_as_deleted_and_is_named(fake: Any) -> None:
    found = evaluate(utterances(u1="a b", u2="c"), systems(x=fake({"u1": "broken", "u2": "c"})))
    assert found.measures["x"]["wer"].counts == Counts(2, 3, 0, 2, 0)
    assert [(item.id, item.failure) for item in found.systems[0].failed] == [("u1", "/nowhere/u1.wav: cut short")]
    with pytest.raises(DataError, match=r"x: none of the 1 utterances .* the first: /nowhere/u1.wav: cut short"):
        evaluate(utterances(u1="a"), systems(x=fake({})))


def test_time_is_measured_per_second_of_audio(fake: Any) -> None:
    found = evaluate(utterances(u1="a", u2="b"), systems(x=fake({"u1": "a", "u2": "b"})))
    seconds, factor = found.systems[0].seconds, found.systems[0].real_time_factor
    assert seconds is not None
    assert 0 < seconds < 1
    assert factor == pytest.approx(seconds / 4)


def test_facts_and_provenance(fake: Any, tmp_path: Path) -> None:
    assert facts(fake().info()) == {
        "kind": "rnn",
        "parameters": 12,
        "weights_sha256": "ab" * 32,
        "trained_on": "Own",
        "licence_of_its_data": "CC0",
    }
    assert facts({}) == {}
    (tmp_path / "cuts.jsonl").write_text("x")
    (tmp_path / "corpus.json").write_text('{"title": "Own", "licence": "CC0"}')
    found = provenance(tmp_path / "cuts.jsonl", systems(x=fake()), device="cpu")
    assert found.corpus["licence"] == "CC0"
    assert found.normalization == {"unicode": "NFC", "case": "keep", "remove": ""}
    assert {"date", "speechrnn", "commit", "machine", "device"} == set(found.made)
    assert found.sha256 == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_models_and_names_that_do_not_go_together_are_refused(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more: fake())
    assert [system.name for system in load_systems([Path("a"), Path("b")])] == ["a: fake", "b: fake"]
    assert [system.name for system in load_systems([Path("a"), Path("b")], ["x", "y"])] == ["x", "y"]
    for models, names in [([Path("a"), Path("a")], []), ([Path("a")], ["x", "y"]), ([Path("a"), Path("b")], ["x", "x"])]:
        with pytest.raises(UsageError) as caught:
            load_systems(models, names)
        assert caught.value.remedy


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    texts = {f"u{number}": f"{'ab'[number % 2]} c" for number in range(12)}
    path = tmp_path / "cuts_test.jsonl.gz"
    write_manifest(
        path, [Utterance(name, tmp_path / "a.wav", 8000, 0, 8000, None, text, f"s-{name}") for name, text in texts.items()]
    )
    return path


def test_the_command_writes_all_files_and_prints_kaldis_line(
    fake: Any, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = {"x": {f"u{n}": "a c" for n in range(12)}, "y": {f"u{n}": f"{'ab'[n % 2]} c" for n in range(12)}}
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more: fake(heard[Path(path).name]))
    out = tmp_path / "out"
    assert run(["evaluate", str(manifest), "-m", "x", "-m", "y", "--name", "x", "--name", "y", "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "%WER 25.00 [ 6 / 24, 0 ins, 0 del, 6 sub ]" in printed
    assert "x minus y: +25.00 WER" in printed
    assert "(paired bootstrap over speakers)" in printed
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert scores["manifest"]["path"] == str(manifest)
    assert set(scores["systems"][0]["wer"]) == {
        "percent", "errors", "tokens", "insertions", "deletions", "substitutions", "low", "high",
    }  # fmt: skip
    assert {"name", "model", "wer", "cer", "seconds", "real_time_factor"} <= set(scores["systems"][0])
    assert set(scores["pairs"][0]) == {"a", "b", "metric", "difference", "low", "high", "p", "matched_pairs"}
    lines = [json.loads(line) for line in (out / "hypotheses.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["system"]) for line in lines[:3]] == [("u0", "x"), ("u0", "y"), ("u1", "x")]
    assert lines[2] | {"speaker": "", "duration": 0} == {
        "id": "u1",
        "system": "x",
        "unit": "chars",
        "reference": "b c",
        "hypothesis": "a c",
        "tokens": ["a", "<space>", "c"],
        "times": [[0.0, 0.05], [0.1, 0.15], [0.2, 0.25]],
        "confidences": [0.9, 0.9, 0.9],
        "speaker": "",
        "duration": 0,
    }
    assert "<title>x, y: error rates</title>" in (out / "report.html").read_text(encoding="utf-8")


def test_the_command_names_failures_and_ends_with_1(
    fake: Any, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more: fake({"u1": "b c"}))
    assert run(["evaluate", str(manifest), "-m", "x", "-o", str(tmp_path / "out"), "--tables"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("| system | rate |")
    assert "fake: u11 failed and counts as deleted" in printed.err
    assert json.loads((tmp_path / "out/scores.json").read_text())["systems"][0]["failed"] == [f"u{n}" for n in range(12) if n != 1]


def test_the_command_refuses_what_is_missing(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(manifest), "-m", str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 1
    assert f"{tmp_path}/none" in capsys.readouterr().err
    assert run(["evaluate", str(tmp_path / "none.jsonl.gz"), "-m", "x", "-o", str(tmp_path / "out")]) == 1
    assert "none.jsonl.gz" in capsys.readouterr().err
    assert run(["evaluate", str(manifest), "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_before_the_work(
    fake: Any, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recognizer = fake({})
    monkeypatch.setattr(recognizer, "transcribe_many", lambda *_, **__: pytest.fail("the work has begun"))
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more, **named: recognizer)
    (tmp_path / "file").write_text("x")
    assert run(["evaluate", str(manifest), "-m", "x", "-o", str(tmp_path / "file")]) == 1
    assert run(["transcribe", str(tmp_path / "file"), "-m", "x", "-o", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count(f"{tmp_path}/file: cannot be made") == 2


def test_scores_hold_finite_numbers_only(fake: Any, tmp_path: Path) -> None:
    found = evaluate(utterances(u1=""), systems(x=fake({"u1": "a"})))
    (tmp_path / "cuts.jsonl").write_text("x")
    record = scores_record(found, provenance(tmp_path / "cuts.jsonl", systems(x=fake())))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["systems"][0]["wer"]["percent"] == 100


def aged(**ages: Any) -> list[Utterance]:
    return [
        dataclasses.replace(utterance, custom={"age": ages[utterance.id]}) for utterance in utterances(**dict.fromkeys(ages, ""))
    ]


def guessing(fake: Any, heard: dict[str, str], field: str = "age", text: TextOptions = TextOptions()) -> Any:
    found = fake(heard, Labels((field,), "value"), text)
    found.label = field
    return found


def test_numbers_are_held_against_those_of_the_manifest(fake: Any) -> None:
    said = {"u1": "30.5", "u2": "broken", "u3": "nan", "u4": "-2"}
    found = evaluate(aged(u1=30, u2="4", u3=0.1, u4="1e-3"), systems(x=guessing(fake, said)))
    (system,) = found.systems
    assert (system.metrics, system.unit, system.source, system.reliability) == ((), "value", "age", {})
    assert [(item.reference, item.hypothesis) for item in system.items] == [("30", "30.5"), ("4", ""), ("0.1", ""), ("0.001", "-2")]
    assert [(item.id, item.failure) for item in system.failed] == [
        ("u2", "/nowhere/u2.wav: cut short"),
        ("u3", "the model gave nan"),
    ]
    assert found.values["x"].number == 2
    assert found.values["x"].mae.value == pytest.approx((0.5 + 2.001) / 2)
    with pytest.raises(DataError, match=r"x: none of the 1 utterances .* the first: the model gave inf"):
        evaluate(aged(u1=1), systems(x=guessing(fake, {"u1": "inf"})))


@pytest.mark.parametrize("number", [None, "", "old", True, "nan", "inf", [1]])
def test_utterances_without_a_number_are_refused_by_name(fake: Any, number: Any) -> None:
    with pytest.raises(DataError, match="1 of 2 utterances have no number in 'age': u2") as caught:
        evaluate(aged(u1=1, u2=number), systems(x=guessing(fake, {"u1": "1", "u2": "1"})))
    assert caught.value.remedy


def test_numbers_are_compared_with_numbers_of_the_same_field_only(fake: Any) -> None:
    given, said = aged(u1=1, u2=2), {"u1": "1", "u2": "2"}
    x, y = guessing(fake, said), guessing(fake, {"u1": "2", "u2": "4"}, text=TextOptions(case="lower"))
    (pair,) = evaluate(given, systems(x=x, y=y)).pairs
    assert (pair.metric, pair.difference.difference) == ("rmse", pytest.approx(-(2.5**0.5))), (
        "how text is normalized does not matter"
    )
    for other, gives in [(fake(said), "texts or labels"), (guessing(fake, said, "height"), "the number 'height' of the manifest")]:
        with pytest.raises(UsageError, match=f"x gives the number 'age' of the manifest, y {gives}") as caught:
            evaluate(given, systems(x=x, y=other))
        assert caught.value.remedy
        with pytest.raises(UsageError, match=f"y gives {gives}, x the number 'age'"):
            evaluate(given, systems(y=other, x=x))
