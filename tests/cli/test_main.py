"""Every outcome of a command: its exit status, what it says where, and what is never shown."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from speechrnn.cli.main import run
from speechrnn.errors import Interrupted

COMMAND = (sys.executable, "-c", "from speechrnn.cli.main import main; main()")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "ref").write_text("u1 hello world\n")
    (tmp_path / "hyp").write_text("u1 hello word\n")
    return str(tmp_path / "ref"), str(tmp_path / "hyp")


@pytest.fixture
def planted(monkeypatch):
    """Makes ``speechrnn score`` end in an exception."""

    def plant(error: BaseException) -> None:
        def fail(*_, **__):
            raise error

        monkeypatch.setattr("speechrnn.jobs.score.score", fail)

    return plant


def test_ctrl_c_is_one_line_and_130(planted, files, speechrnn):
    planted(KeyboardInterrupt())
    said = speechrnn("score", *files)
    assert (said.status, said.out, said.err) == (130, "", "stopped\n")


def test_what_was_saved_at_ctrl_c_is_two_lines(planted, files, speechrnn):
    planted(Interrupted("stopped after step 3; saved", "go on with: speechrnn train --resume runs/a"))
    said = speechrnn("score", *files)
    assert (said.status, said.err) == (130, "stopped after step 3; saved\ngo on with: speechrnn train --resume runs/a\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("planted"), EOFError("planted"), OSError("planted")])
def test_a_fault_of_our_own_is_70_and_its_traceback_saved(error, planted, files, speechrnn, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    planted(error)
    said = speechrnn("score", *files)
    assert (said.status, said.out) == (70, "")
    message, remedy = said.error()
    assert message == f"a fault of speechrnn's own: {type(error).__name__}: planted"
    saved = Path(remedy.removeprefix("its traceback is in ").removesuffix("; please report it"))
    text = saved.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "in fail" in text
    assert files[0] in text


def test_a_traceback_that_cannot_be_saved_is_said(planted, files, speechrnn, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    planted(ZeroDivisionError("planted"))
    said = speechrnn("score", *files)
    assert said.status == 70
    assert "cannot be saved (No such file or directory); --debug shows it" in said.error()[1]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_debug_shows_the_traceback_wherever_it_stands(place, files, tmp_path, capsys):
    words = ["score", files[0], str(tmp_path / "none")]
    assert run([*words[:place], "--debug", *words[place:]]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback (most recent call last)" in err
    assert "error: " in err
    assert run(words) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a file or the output: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/there"), "/there: Permission denied"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/there"), "/there: Is a directory"),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_ours(error, message, planted, files, speechrnn):
    planted(error)
    said = speechrnn("score", *files)
    assert said.status == 1
    assert said.error()[0] == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["score"], "Missing argument 'REF'"),
        (["score", "a", "b", "--unit", "words"], "'words' is not one of 'word', 'char', 'token'"),
        (["train", "--nonsense"], "No such option: --nonsense"),
        (["transcribe", "a.wav"], "Missing option '-m'"),
    ],
)
def test_a_wrong_call_is_2_with_the_usage_line(words, message, speechrnn):
    said = speechrnn(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Usage: ")
    assert message in said.err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["train", "--help"], ["data", "import", "-h"], ["--version"]])
def test_help_is_a_result(words, speechrnn):
    said = speechrnn(*words)
    assert (said.status, said.err) == (0, "")
    assert "speechrnn" in said.out


def test_nothing_of_a_stranger_steers_the_terminal(files, speechrnn, tmp_path):
    (tmp_path / "ref").write_text("\x1b[2Ju1\u202e a\nu2 b\n", encoding="utf-8")
    (tmp_path / "hyp").write_text("u2 b\n", encoding="utf-8")
    said = speechrnn("score", *files)
    assert said.status == 1
    assert r"\x1b[2Ju1\u202e" in said.err


def test_a_reader_that_has_gone_is_no_error(files, speechrnn):
    # What scores is compiled by then: on a machine where that takes long the log says so.
    assert speechrnn("score", *files).status == 0
    with subprocess.Popen((*COMMAND, "score", *files), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("words", [["score"], ["--help"]])
def test_a_full_disk_under_the_output_is_said(words, files):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run((*COMMAND, *words, *(files if words == ["score"] else ())), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_results_are_utf_8_wherever_they_go(tmp_path):
    for name in ("ref", "ɓɔŋ"):
        (tmp_path / name).write_text("u1 hello\n")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run((*COMMAND, "score", "ref", "ɓɔŋ"), cwd=tmp_path, capture_output=True, check=True, env=environment)
    assert "ɓɔŋ" in done.stdout.decode("utf-8")
