"""``speechrnn lm train --recurrent``, its model directory under ``lm score``, ``lm generate`` and ``--rescore``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from speechrnn.modeldir import read_info

TINY = ("--recurrent", "--hidden", 24, "--embedding", 12, "--dropout", 0, "--learning-rate", 0.02, "--device", "cpu")
ANIMALS = ("cat mews", "dog barks", "hen clucks")


def write_text(path: Path, number: int = 40) -> Path:
    lines = [f"{first} {animal}" for animal in ANIMALS for first in ("the", "a", "this", "that", "my", "your", "her", "his", "no")]
    path.write_text("\n".join(lines * (number // len(ANIMALS))) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "text.txt")


@pytest.fixture(scope="module")
def trained(text, speechrnn):
    said = speechrnn("lm", "train", text, *TINY, "--epochs", 6, "-o", text.parent / "model")
    assert said.status == 0, said.err
    return said


@pytest.fixture(scope="module")
def model(text, trained) -> Path:
    return text.parent / "model"


def test_training_says_how_it_went(trained, model, text):
    assert trained.out.startswith("dev perplexity ")
    assert " of 6\n" in trained.out or " of 5\n" in trained.out
    lines = trained.err.splitlines()
    assert lines[0] == "13 of 351 sentences held out as dev"
    assert lines[1].startswith("338 sentences with 1014 words to train on, 13 for dev, vocabulary of 18, ")
    assert lines[2].startswith("epoch 1: perplexity ")
    assert lines[-1] == f"wrote {model}: from 338 sentences with 1014 words"
    info = read_info(model)
    assert (info["kind"], info["name"], info["training"]["seed"]) == ("lm", "model", 1)
    assert f"{info['measures']['dev_perplexity']:.2f}" in trained.out
    assert sorted(file.name for file in model.iterdir()) == [
        "README.md", "config.yaml", "model.json", "text.yaml", "tokens.txt", "weights.safetensors",
    ]  # fmt: skip


def test_the_same_call_makes_the_same_model(text, model, tmp_path, speechrnn):
    assert speechrnn("lm", "train", text, *TINY, "--epochs", 6, "-o", tmp_path / "again").status == 0
    assert read_info(tmp_path / "again")["sha256"] == read_info(model)["sha256"]
    assert speechrnn("lm", "train", text, *TINY, "--epochs", 1, "--seed", 2, "-o", tmp_path / "again").status == 0
    assert read_info(tmp_path / "again")["sha256"] != read_info(model)["sha256"]


def test_a_directory_is_scored_as_an_arpa_file_is(text, model, tmp_path, speechrnn):
    arpa = tmp_path / "lm.arpa"
    assert speechrnn("lm", "train", text, "-o", arpa, "--smoothing", "witten-bell").status == 0
    (tmp_path / "new").write_text("the dog mews\nthe Cat barks\n", encoding="utf-8")
    ours, theirs = (speechrnn("lm", "score", tmp_path / "new", text, "-m", given) for given in (model, arpa))
    assert ours.status == theirs.status == 0
    rows, other_rows = ([line.split() for line in said.out.splitlines()] for said in (ours, theirs))
    assert [row[:4] for row in rows] == [row[:4] for row in other_rows]
    assert rows[-1] == ["unknown:", "1", "of", "1059", "tokens", "(0.09", "%):", "Cat", "1"] == other_rows[-1]
    # 27 sentences, all equally likely, in 4 tokens each: perplexity is the fourth root.
    assert float(rows[2][5]) == pytest.approx(27**0.25, rel=0.1)
    lines = speechrnn("lm", "score", tmp_path / "new", "-m", model, "--per-sentence").out.splitlines()
    assert [line.split("\t")[1:4] for line in lines] == [["1", "3", "0"], ["2", "3", "1"]]


def test_letters_are_split_as_in_training(text, tmp_path, speechrnn):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join(("th", *"abcdefghiklmnorstuwy")) + "\n", encoding="utf-8")
    options = ("--unit", "letter", "--tokens", tokens, "--word-boundary", "--case", "lower", "--epochs", 1)
    assert speechrnn("lm", "train", text, *TINY, *options, "-o", tmp_path / "m").status == 0
    tokens.unlink()
    (tmp_path / "new").write_text("The Hen", encoding="utf-8")
    said = speechrnn("lm", "score", tmp_path / "new", "-m", tmp_path / "m", "--per-sentence")
    assert said.out.rstrip("\n").split("\t")[5] == "th e <space> h e n"


def test_sentences_are_drawn_from_either_kind_of_model(text, model, tmp_path, speechrnn):
    drawn = speechrnn("lm", "generate", "-m", model, "-n", 12, "--top-k", 9)
    assert (drawn.status, drawn.err) == (0, "")
    lines = drawn.out.splitlines()
    assert len(lines) == 12
    assert len(set(lines)) > 3
    assert {" ".join(line.split()[1:]) for line in lines} <= set(ANIMALS)
    assert speechrnn("lm", "generate", "-m", model, "-n", 12, "--top-k", 9).out == drawn.out
    assert speechrnn("lm", "generate", "-m", model, "-n", 12, "--seed", 5).out != drawn.out
    cold = speechrnn("lm", "generate", "-m", model, "-n", 2, "--temperature", 0, "--start", "my dog").out
    assert cold == "my dog barks\n" * 2
    arpa = tmp_path / "lm.arpa"
    assert speechrnn("lm", "train", text, "-o", arpa, "--smoothing", "witten-bell").status == 0
    assert speechrnn("lm", "generate", "-m", arpa, "-n", 1, "--temperature", 0, "--start", "my dog").out == "my dog barks\n"
    cut = speechrnn("lm", "generate", "-m", model, "-n", 3, "--max-length", 2)
    assert cut.err == "3 of 3 are cut at 2 tokens\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recurrent", "--order", 3], "--order with --recurrent: of use for n-gram models alone"),
        (["--recurrent", "--prune", "0,1", "--entropy", 0.1], "--prune, --entropy with --recurrent"),
        (["--hidden", 256], "--hidden with no --recurrent: of use for recurrent models alone"),
        (["--dev", "x", "--joined"], "--dev, --joined with no --recurrent"),
        (["--recurrent", "--cell", "lsmt"], "did you mean 'lstm'"),
        (["--recurrent", "--tie"], "the embedding has 128 dimensions and the last layer 256 outputs"),
        (["--recurrent", "--bptt", 0], "the bptt is 0"),
        (["--recurrent", "--device", "tpu"], "device 'tpu' is not there"),
        (["--recurrent", "--unit", "syllable"], "'syllable' is not one of"),
    ],
)
def test_a_wrong_training_is_2(words, message, text, tmp_path, speechrnn):
    said = speechrnn("lm", "train", text, "-o", tmp_path / "m", *words)
    assert (said.status, said.out) == (2, "")
    assert message in said.err
    assert not (tmp_path / "m").exists()


def test_what_is_no_language_model_is_not_replaced(text, own, tmp_path, speechrnn):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("x")
    recognizer = shutil.copytree(own.model, tmp_path / "recognizer")
    for out in (tmp_path / "letters", text, recognizer):
        said = speechrnn("lm", "train", text, *TINY, "-o", out)
        assert said.status == 1
        assert said.error()[0] == f"{out}: exists and is no language model"
    assert (tmp_path / "letters" / "dear.txt").exists()
    assert speechrnn("lm", "score", text, "-m", recognizer).error()[0] == f"{recognizer}: a model of kind rnn, not lm"
    assert "no model in it" in speechrnn("lm", "generate", "-m", tmp_path / "letters").error()[0]


def test_one_sentence_cannot_be_held_out(tmp_path, speechrnn):
    (tmp_path / "one").write_text("a b\na b\n")
    said = speechrnn("lm", "train", tmp_path / "one", *TINY, "-o", tmp_path / "m")
    assert said.error() == ("all sentences are equal, so none can be held out", "give other texts as --dev")
    (tmp_path / "dev").write_text("b a\n")
    given = speechrnn("lm", "train", tmp_path / "one", *TINY, "--epochs", 1, "--dev", tmp_path / "dev", "-o", tmp_path / "m")
    assert (given.status, "held out" in given.err) == (0, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["score", "TEXT", "-m", "MODEL", "--unit", "letter", "--case", "lower"], "leave --unit, --case out"),
        (["generate", "-m", "MODEL", "--start", "the owl"], "does not know the token 'owl'"),
        (["generate", "-m", "MODEL", "--temperature", -1], "the temperature is -1"),
    ],
)
def test_a_wrong_use_is_2(words, message, text, model, speechrnn):
    named = {"TEXT": text, "MODEL": model}
    said = speechrnn("lm", *(named.get(word, word) for word in words))
    assert (said.status, said.out) == (2, "")
    assert message in said.err


def test_stopped_by_the_user_the_best_model_so_far_stays(text, tmp_path, speechrnn, monkeypatch):
    from speechrnn.training import language

    epoch, done = language._epoch, []

    def stop_in_the_third(*given):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return epoch(*given)

    monkeypatch.setattr(language, "_epoch", stop_in_the_third)
    said = speechrnn("lm", "train", text, *TINY, "-o", tmp_path / "m")
    assert said.status == 130
    assert "stopped in epoch 3" in said.err
    assert f"is in {tmp_path / 'm'}" in said.err
    assert speechrnn("lm", "score", text, "-m", tmp_path / "m").status == 0
    said = speechrnn("lm", "train", text, *TINY, "-o", tmp_path / "none")
    assert said.status == 130
    assert not (tmp_path / "none").exists()


def test_a_training_that_diverges_is_said_to(text, tmp_path, speechrnn, monkeypatch):
    monkeypatch.setattr("speechrnn.training.language.perplexity_of", lambda network, sentences: float("nan"))
    said = speechrnn("lm", "train", text, *TINY, "-o", tmp_path / "m")
    assert said.status == 1
    assert "try a smaller --learning-rate" in said.err
    assert not (tmp_path / "m").exists()


def test_from_texts_to_transcripts(own, tmp_path, speechrnn):
    """A recurrent model of words ranks the beam, its weight is tuned on dev and used from then on."""
    recognizer = shutil.copytree(own.model, tmp_path / "recognizer")
    train, dev, recording = own.data / "cuts_train.jsonl.gz", own.data / "cuts_dev.jsonl.gz", own.recordings / "00 né.wav"
    assert speechrnn("lm", "train", train, *TINY, "--dev", dev, "--epochs", 2, "-o", tmp_path / "lm").status == 0
    assert read_info(tmp_path / "lm")["data"]["sha256"].keys() == {"cuts_train.jsonl.gz"}
    rescore = ("-m", recognizer, "--rescore", tmp_path / "lm")
    before = speechrnn("transcribe", recording, *rescore)
    assert before.status == 0, before.err
    assert "no weights are tuned for these helpers" in before.err
    tuned = speechrnn("tune", dev, *rescore, "--jobs", 1)
    assert tuned.status == 0, tuned.err
    assert tuned.out.split()[:3] == ["rescore_weight", "WER", "%"]
    after = speechrnn("transcribe", recording, *rescore)
    assert after.err.startswith("decoding weights rescore_weight=")
    evaluated = speechrnn("evaluate", dev, *rescore, "-o", tmp_path / "report", "--audio", "none")
    assert evaluated.status == 0, evaluated.err
    (system,) = json.loads((tmp_path / "report" / "scores.json").read_text(encoding="utf-8"))["systems"]
    assert f"({system['wer']['errors']} errors in" in tuned.out
    assert "rescored by LSTM of 1 x 24 lm (" in (tmp_path / "report" / "scores.json").read_text(encoding="utf-8")


def test_a_language_model_in_a_recognizers_place_is_refused(own, model, speechrnn, tmp_path):
    recording, dev = own.recordings / "00 né.wav", own.data / "cuts_dev.jsonl.gz"
    for words in (
        ("transcribe", recording, "-m", model),
        ("evaluate", dev, "-m", model, "-o", tmp_path / "report"),
        ("align", recording, "a", "-m", model),
        ("tune", dev, "-m", model),
    ):
        said = speechrnn(*words)
        assert said.status == 2, said.err
        assert "model" in said.error()[0]


def test_help_has_examples(speechrnn):
    said = speechrnn("lm", "generate", "--help")
    assert said.status == 0
    assert said.out.count("speechrnn lm generate ") >= 3
