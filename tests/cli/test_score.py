"""``speechrnn score`` from the outside: what it prints where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from speechrnn.cli.main import run


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "ref").write_text("u1 hello world\nu2 a b c\n")
    (tmp_path / "hyp").write_text("u1 hello word\nu2 a b\n")
    return str(tmp_path / "ref"), str(tmp_path / "hyp")


def test_kaldis_line_with_interval_on_standard_output(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", *files]) == 0
    printed = capsys.readouterr()
    assert printed.out == "%WER 40.00 [ 2 / 5, 0 ins, 1 del, 1 sub ]  95 % 33.33 - 50.00  hyp\n"
    assert printed.err == ""


def test_options_reach_the_job(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tokens.txt").write_text("<blank>\nhello\n")
    assert run(["score", *files, "--unit", "token", "--tokens", str(tmp_path / "tokens.txt")]) == 0
    assert "%PER 22.22 [ 2 / 9," in capsys.readouterr().out, "hello w o r l d a b c"
    assert run(["score", *files, "--unit", "char", "--remove", "ld"]) == 0
    assert "%CER" in capsys.readouterr().out
    assert run(["score", files[0], files[0], "--case", "upper"]) == 0
    assert "%WER 0.00" in capsys.readouterr().out


def test_several_are_compared_and_written(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", files[0], files[1], files[0], "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert (
        "hyp minus ref: +40.00 WER, 95 % +33.33 to +50.00, p < 0.001 (paired bootstrap over utterances); matched pairs p "
        in printed.out
    )
    assert "report.html" in printed.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["hypotheses.jsonl", "report.html", "scores.json"]
    assert json.loads((tmp_path / "out/scores.json").read_text())["pairs"][0]["difference"] == 40


def test_a_missing_hypothesis_is_named_and_the_status_is_1(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "part").write_text("u2 a b c\n")
    assert run(["score", files[0], str(tmp_path / "part")]) == 1
    printed = capsys.readouterr()
    assert "%WER 40.00" in printed.out
    assert "part: no hypothesis for 1 utterances, counted as deleted: u1" in printed.err


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 1, "empty"),
        (b"u1 \xff", 1, "not utf-8"),
        (b"u1 a\nu1 b\n", 1, "'u1' occurs"),
        (b"x a\n", 1, "not in"),
        (None, 1, "no such"),
    ],
)
def test_wrong_files_end_in_two_lines_without_traceback(
    content: bytes | None, status: int, message: str, files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "wrong").write_bytes(content)
    assert run(["score", files[0], str(tmp_path / "wrong")]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert len(printed.err.splitlines()) == 2
    assert str(tmp_path / "wrong") in printed.err


def test_a_wrong_unit_is_a_wrong_call(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", *files, "--unit", "words"]) == 2
    assert "word" in capsys.readouterr().err


def test_scoring_needs_no_torch(files: tuple[str, str]) -> None:
    program = f"import sys; from speechrnn.cli.main import run; run(['score', *{files!r}]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_tables_and_files_for_sclite_on_request(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", *files, "--tables"]) == 0
    assert capsys.readouterr().out.startswith("| system | rate |")
    assert run(["score", *files, "-o", str(tmp_path / "out"), "--trn"]) == 0
    assert (tmp_path / "out/hyp.hyp.trn").read_text() == "hello word (none-u1)\na b (none-u2)\n"
    assert run(["score", *files, "--trn"]) == 2
    assert "-o DIR" in capsys.readouterr().err
