"""``speechrnn lm``: what is printed, said and refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-c", "from speechrnn.cli.main import main; main()")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("the cat sat\nthe cat sat on the mat\na cat\n" * 3, encoding="utf-8")
    return tmp_path / "text.txt"


@pytest.fixture
def model(text: Path, tmp_path: Path, speechrnn) -> Path:
    assert speechrnn("lm", "train", text, "-o", tmp_path / "lm.arpa", "--order", 2, "--smoothing", "witten-bell").status == 0
    return tmp_path / "lm.arpa"


def test_a_model_is_trained_and_what_it_holds_is_printed(text, tmp_path, speechrnn):
    said = speechrnn("lm", "train", text, "-o", tmp_path / "lm.arpa.gz", "--order", 3, "--smoothing", "witten-bell")
    assert said.status == 0
    assert said.out == "order  n-grams\n    1        9\n    2       11\n    3        9\n"
    assert said.err == f"wrote {tmp_path / 'lm.arpa.gz'}: from 9 sentences with 33 words\n"
    assert (tmp_path / "lm.arpa.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_discounts_that_cannot_be_had_are_said(text, tmp_path, speechrnn):
    said = speechrnn("lm", "train", text, "-o", tmp_path / "lm.arpa", "--order", 1)
    assert said.status == 0
    assert "order 1: 0, 0, 3 and 0 n-grams with counts 1 to 4 give no discounts; taken are 0.5, 1 and 1.5" in said.err


def test_pruning_reaches_the_model(text, tmp_path, speechrnn):
    options = ("-o", tmp_path / "lm.arpa", "--smoothing", "witten-bell")
    assert speechrnn("lm", "train", text, *options, "--prune", "0,3").out.split()[-6:] == ["1", "9", "2", "3", "3", "2"]
    assert speechrnn("lm", "train", text, *options, "--min-count", 4).out.split()[3] == "6"
    pruned = speechrnn("lm", "train", text, *options, "--order", 2, "--entropy", "0.1").out.split()
    assert int(pruned[-1]) < 11


def test_perplexity_and_unknown_words_are_printed(model, tmp_path, speechrnn):
    (tmp_path / "new").write_text("the dog sat\nThe cat and the dog\n", encoding="utf-8")
    said = speechrnn("lm", "score", tmp_path / "new", "-m", model, "--case", "lower")
    assert (said.status, said.err) == (0, "")
    header, row, unknown = said.out.splitlines()
    assert header.split() == ["text", "sentences", "tokens", "unknown", "log10", "perplexity", "without", "unknown"]
    assert row.split()[1:4] == ["2", "8", "3"]
    log10, perplexity, without = map(float, row.split()[4:])
    assert perplexity == pytest.approx(10 ** (-log10 / 10), rel=0.01)
    assert without < perplexity
    assert unknown == "unknown: 3 of 8 tokens (37.50 %): dog 2, and 1"


def test_several_texts_have_a_sum(model, text, tmp_path, speechrnn):
    (tmp_path / "new").write_text("the dog sat\n", encoding="utf-8")
    rows = [line.split() for line in speechrnn("lm", "score", text, tmp_path / "new", "-m", model).out.splitlines()]
    assert [row[0] for row in rows[1:4]] == [str(text), str(tmp_path / "new"), "all"]
    assert [row[1:4] for row in rows[1:4]] == [["9", "33", "0"], ["1", "3", "1"], ["10", "36", "1"]]


def test_a_line_a_sentence_for_scripts(model, tmp_path, speechrnn):
    (tmp_path / "new").write_text("the dog sat\n\nthe cat\n", encoding="utf-8")
    said = speechrnn("lm", "score", tmp_path / "new", "-m", model, "--per-sentence")
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert [[line[1], line[2], line[3], line[5]] for line in lines] == [["1", "3", "1", "the dog sat"], ["3", "2", "0", "the cat"]]
    total = float(said.err.splitlines()[1].split()[4])
    assert sum(float(line[4]) for line in lines) == pytest.approx(total, abs=0.01)


def test_letters_with_and_without_word_boundaries(text, tmp_path, speechrnn):
    options = ("--unit", "letter", "-o", tmp_path / "lm.arpa", "--order", 2)
    assert speechrnn("lm", "train", text, *options).err.splitlines()[-1].endswith("with 90 letters")
    assert speechrnn("lm", "train", text, *options, "--word-boundary").err.splitlines()[-1].endswith("with 114 letters")
    assert "<space>" in (tmp_path / "lm.arpa").read_text(encoding="utf-8")


def test_one_bad_text_among_several_is_named_and_the_status_is_1(model, text, tmp_path, speechrnn):
    said = speechrnn("lm", "score", tmp_path / "none", text, "-m", model)
    assert said.status == 1
    assert said.error()[0] == f"{tmp_path / 'none'}: no such file"
    assert said.out.splitlines()[1].split()[0] == str(text)
    assert len(said.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "no line \\data\\"),
        (b"\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n", "cut short: it ends with line 6"),
        (b"\\data\\\nngram 1=2\n\n\\1-grams:\n-1\t<s>\nx\t</s>\n\n\\end\\\n", "line 6: 'x' is not a number"),
        (b"\\data\\\nngram 1=1\n\n\\1-grams:\n-1\ta\n\n\\end\\\n", "<s> is not among the unigrams"),
    ],
)
def test_a_wrong_model_ends_in_two_lines(content, message, text, tmp_path, speechrnn):
    if content is not None:
        (tmp_path / "wrong.arpa").write_bytes(content)
    said = speechrnn("lm", "score", text, "-m", tmp_path / "wrong.arpa")
    assert (said.status, said.out) == (1, "")
    assert str(tmp_path / "wrong.arpa") in said.error()[0]
    assert message in said.error()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--order", "7"], "the order is 7"),
        (["--unit", "syllable"], "'syllable' is not one of 'word', 'phone', 'letter'"),
        (["--prune", "1"], "pruning by 1 would leave out words"),
        (["--prune", "0,x"], "--prune is '0,x'"),
        (["--entropy", "2"], "the entropy threshold is 2.0"),
        (["--word-boundary"], "the word boundary is of use for letters"),
    ],
)
def test_a_wrong_call_is_2(words, message, text, tmp_path, speechrnn):
    said = speechrnn("lm", "train", text, "-o", tmp_path / "lm.arpa", *words)
    assert (said.status, said.out) == (2, "")
    assert message in said.err
    assert not (tmp_path / "lm.arpa").exists()


def test_an_empty_text_is_1(tmp_path, speechrnn):
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    said = speechrnn("lm", "train", tmp_path / "empty", "-o", tmp_path / "lm.arpa")
    assert (said.status, said.out) == (1, "")
    assert said.error()[0] == f"{tmp_path / 'empty'}: no sentences in it"


def test_a_model_that_cannot_be_written_is_1(text, tmp_path, speechrnn):
    said = speechrnn("lm", "train", text, "-o", text / "lm.arpa")
    assert said.status == 1
    assert "could not be written" in said.err


@pytest.mark.parametrize("command", ["train", "score"])
def test_help_has_examples(command, speechrnn):
    said = speechrnn("lm", command, "--help")
    assert said.status == 0
    assert said.out.count(f"speechrnn lm {command} ") >= 3


def test_the_whole_way_in_processes_without_torch(text, tmp_path):
    for words in (["train", text, "-o", tmp_path / "lm.arpa"], ["score", text, "-m", tmp_path / "lm.arpa"]):
        done = subprocess.run([*COMMAND, "lm", *map(str, words)], check=True, capture_output=True, text=True)
        assert done.stdout
    program = f"""
import sys
from speechrnn.cli.main import run
assert run(["lm", "train", {str(text)!r}, "-o", {str(tmp_path / "b.arpa")!r}]) == 0
assert not {{"torch", "lhotse", "numba"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
