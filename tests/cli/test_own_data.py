"""One's own recordings, from a folder to scores, by the commands of the README; no lexicon, no language model."""

from __future__ import annotations

import json
import logging

import pytest

from speechrnn.data.manifest import read_manifest


@pytest.fixture(scope="module")
def held_out(own):
    """Utterances the model has neither learned from nor been chosen on."""
    return read_manifest(own.data / "cuts_test.jsonl.gz")


def test_the_folder_is_imported_whatever_editors_wrote(own, speechrnn):
    assert own.imported.status == 0, own.imported.err
    assert own.imported.err == ""
    rows = [line.split() for line in own.imported.out.splitlines()]
    assert [row[0] for row in rows] == ["split", "train", "dev", "test"]
    assert sum(int(row[1]) for row in rows[1:]) == 72
    shown = speechrnn("data", "show", own.data).out
    letters = next(line for line in shown.splitlines() if " letters: " in line)
    assert sorted(letters.partition(": ")[2].split()[::2]) == ["a", "é", "ŋ", "ɔ"], "one é, however it was written"


def test_training_prints_the_run_alone_and_says_how_it_went(own):
    assert own.trained.status == 0, own.trained.err
    assert own.trained.out == f"{own.run}\n"
    said = own.trained.err.splitlines()
    assert "utterances to train on" in own.trained.err
    assert any(line.startswith("epoch 20/20: loss ") for line in said)
    assert said[-1].startswith(f"done: {own.model}, dev error 0.00 %")
    for noise in ("Tip:", "GPU available", "Mixed Precision", "Warning"):
        assert noise not in own.trained.err


def test_the_model_knows_its_letters(own):
    assert (own.model / "tokens.txt").read_text(encoding="utf-8").split() == ["<blank>", "<space>", "a", "é", "ŋ", "ɔ"]


def test_held_out_recordings_are_transcribed_into_a_folder(own, held_out, speechrnn, tmp_path):
    out = tmp_path / "Texte (neu)"
    said = speechrnn("transcribe", *(u.audio for u in held_out), "-m", own.run, "-f", "txt,json", "-o", out)
    assert said.status == 0, said.err
    assert said.out == ""
    assert said.err == f"{len(held_out)} of {len(held_out)} recordings transcribed into {out}\n"
    for utterance in held_out:
        assert (out / f"{utterance.audio.stem}.txt").read_text(encoding="utf-8") == f"{utterance.text}\n"
        record = json.loads((out / f"{utterance.audio.stem}.json").read_text(encoding="utf-8"))
        assert record["text"] == " ".join(word["text"] for word in record["words"]) == utterance.text
        assert all(0 <= word["start"] < word["end"] <= record["duration"] for word in record["words"])
    assert len(list(out.iterdir())) == 2 * len(held_out)


def test_one_recording_is_printed_and_nothing_else(own, held_out, speechrnn):
    said = speechrnn("transcribe", held_out[0].audio, "-m", own.model)
    assert (said.status, said.out, said.err) == (0, f"{held_out[0].text}\n", "")


def test_a_whole_folder_is_transcribed_in_the_order_of_its_names(own, speechrnn):
    said = speechrnn("transcribe", own.recordings, "-m", own.run)
    assert said.status == 0
    paths = [line.partition("\t")[0] for line in said.out.splitlines()]
    assert paths == [str(path) for path in sorted(own.recordings.glob("*.wav"))]


def test_evaluate_and_score_agree(own, held_out, speechrnn, tmp_path):
    out, manifest = tmp_path / "Ergebnis", own.data / "cuts_test.jsonl.gz"
    said = speechrnn("evaluate", manifest, "-m", own.run, "-o", out)
    assert said.status == 0, said.err
    words = sum(len(u.text.split()) for u in held_out)
    line = f"%WER 0.00 [ 0 / {words}, 0 ins, 0 del, 0 sub ]  95 % 0.00 - 0.00  base"
    assert line in said.out.splitlines()
    assert said.err == f"wrote {out / 'report.html'}\n"
    assert json.loads((out / "scores.json").read_text())["systems"][0]["wer"]["percent"] == 0
    assert {path.name for path in out.iterdir()} == {"scores.json", "hypotheses.jsonl", "report.html"}
    scored = speechrnn("score", manifest, out / "hypotheses.jsonl")
    assert (scored.status, scored.out.splitlines(), scored.err) == (0, [line], "")


def test_lines_of_id_and_text_are_scored(own, held_out, speechrnn, tmp_path):
    (tmp_path / "heard").write_text("".join(f"{u.id} {u.text}\n" for u in held_out[1:]), encoding="utf-8")
    said = speechrnn("score", own.data / "cuts_test.jsonl.gz", tmp_path / "heard")
    assert said.status == 1
    assert held_out[0].id in said.err


def test_quiet_says_nothing_but_keeps_the_log(own, speechrnn, small, tmp_path):
    run = tmp_path / "run"
    said = speechrnn("-q", "train", "experiment=base", f"data.dir={own.data}", f"run.dir={run}", *small, "trainer.max_epochs=1")
    assert (said.status, said.out, said.err) == (0, f"{run}\n", "")
    assert "epoch 1/1" in (run / "train.log").read_text(encoding="utf-8")
    assert logging.getLogger("speechrnn").level == logging.INFO
