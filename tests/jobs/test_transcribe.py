"""Transcribing files and folders: order, failures, names of outputs, what is printed."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speechrnn.cli.main import run
from speechrnn.errors import DataError, UsageError
from speechrnn.jobs.transcribe import Source, check_outputs, collect, transcribe
from speechrnn.transcripts.files import read_transcript


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 recordings in nested folders, the 7th broken; the fake recognizer reads their content as what is said."""
    root = tmp_path / "in (été)"
    for number in range(20):
        path = root / f"day {number % 3}" / f"r{number:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("broken" if number == 7 else f"said {number}")
    (root / "notes.txt").write_text("not a recording")
    (root / ".hidden").mkdir()
    (root / ".hidden/x.wav").write_text("hidden")
    (root / "day 0/._r00.wav").write_text("what macOS leaves on other disks")
    return root


@pytest.fixture
def fake_model(fake: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    recognizer = fake()
    monkeypatch.setattr("speechrnn.recognizer.load", lambda path, *more, **options: recognizer)
    return recognizer


def test_results_keep_their_order_and_failures_their_place(fake: Any, folder: Path) -> None:
    sources = collect([folder])
    results = list(transcribe(fake(), sources))
    assert [result.source for result in results] == sources
    assert len(sources) == 20
    for result in results:
        number = int(result.source.path.stem[1:])
        if number == 7:
            assert result.error is not None
            assert "r07.wav: cut short" in result.error.message
        else:
            (transcript,) = result.transcripts
            assert transcript.text == f"said {number}"


@pytest.mark.parametrize("broken", [(), (0,), (2,), (0, 1, 2), (1, 2)])
def test_failures_at_either_end_lose_nothing(broken: tuple[int, ...], fake: Any, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_text("broken" if number in broken else "fine")
    results = list(transcribe(fake(), collect(paths)))
    assert [result.error is not None for result in results] == [number in broken for number in range(3)]


def test_folders_are_walked_in_the_order_of_names_and_mirrored(folder: Path) -> None:
    sources = collect([folder])
    assert sources[0] == Source(folder / "day 0/r00.wav", Path("day 0/r00"))
    assert [source.path for source in sources] == sorted(folder.rglob("r*.wav"))
    check_outputs(sources, folder / "out", [".txt"])


def test_files_are_taken_whatever_their_ending_and_once(folder: Path) -> None:
    note, recording = folder / "notes.txt", folder / "day 0/r00.wav"
    assert collect([note, recording, recording]) == [Source(note, Path("notes")), Source(recording, Path("r00"))]
    assert len(collect([recording, folder])) == 20


def test_paths_that_are_missing_or_empty_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, message in [(tmp_path / "none", "no such file or folder"), (tmp_path / "empty", "no recordings in this folder")]:
        with pytest.raises(DataError, match=message) as caught:
            collect([path])
        assert str(path) in caught.value.message


def test_sound_of_kinds_that_are_not_read_is_warned_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "day 0/call.m4a").write_text("x")
    assert len(collect([folder])) == 20
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith(f"{folder / 'day 0/call.m4a'}: sound of a kind that is not read")


def test_a_folder_called_like_a_file_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"sub\.srt is the name of a file") as caught:
        check_outputs(collect([folder]), folder / "sub.srt", [".txt", ".srt"])
    assert str(folder) in caught.value.remedy
    (folder / "sub.srt").mkdir()
    check_outputs(collect([folder]), folder / "sub.srt", [".txt", ".srt"])


def test_two_recordings_for_one_output_are_refused_before_any_work(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac"):
        (tmp_path / name).write_text("x")
    with pytest.raises(UsageError, match=r"a\.flac and .*a\.wav would both be written to a\.\*"):
        check_outputs(collect([tmp_path]), tmp_path / "out", [".txt"], overwrite=True)


@pytest.mark.parametrize(
    ("platform", "names", "same"),
    [
        ("darwin", ("A", "a"), True),
        ("darwin", ("\u00e9", "e\u0301"), True),
        ("linux", ("A", "a"), False),
        ("darwin", ("a", "b"), False),
    ],
)
def test_names_are_the_same_where_the_file_system_says_so(
    platform: str, names: tuple[str, str], same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    sources = [Source(tmp_path / f"{folder}.wav", Path(name)) for folder, name in enumerate(names)]
    with pytest.raises(UsageError) if same else contextlib.nullcontext():
        check_outputs(sources, tmp_path, [".txt"])


def test_what_stands_in_the_output_folder_is_replaced_only_when_told(
    fake_model: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a folder of recordings with their transcripts beside them."""
    by_hand = folder / "day 0/r00.txt"
    by_hand.write_text("by hand\n")
    (folder / "day 0/r03.txt").write_text("by hand\n")
    assert run(["transcribe", str(folder), "-m", "m", "-o", str(folder)]) == 2
    printed = capsys.readouterr()
    assert f"{by_hand} and 1 more would be replaced" in printed.err
    assert "--overwrite" in printed.err
    assert by_hand.read_text() == "by hand\n"
    assert not (folder / "day 1/r01.txt").exists(), "refused before any work"
    assert run(["transcribe", str(by_hand.with_suffix(".wav")), "-m", "m", "-o", str(by_hand.parent), "-f", "json"]) == 0
    assert run(["transcribe", str(by_hand.with_suffix(".wav")), "-m", "m", "-o", str(by_hand.parent), "--overwrite"]) == 0
    assert by_hand.read_text() == "said 0\n"


def test_one_bad_file_among_twenty_is_named_and_the_others_are_done(
    fake_model: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["transcribe", str(folder), "-m", "m", "-o", str(out), "-f", "all", "--batch-size", "4"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "r07.wav: cut short" in printed.err
    assert "19 of 20 recordings transcribed" in printed.err
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    suffixes = ("TextGrid", "ctm", "eaf", "json", "srt", "stm", "tsv", "txt", "vtt")
    expected = [f"day {n % 3}/r{n:02d}.{suffix}" for n in range(20) if n != 7 for suffix in suffixes]
    assert written == sorted(expected), "nothing half-written is left either"
    assert (out / "day 1/r04.txt").read_text() == "said 4\n"
    assert read_transcript(out / "day 1/r04.json").tokens[0].text == "s"
    assert fake_model.options == {"batch_size": 4}


def test_one_recording_prints_its_text_several_their_paths_too(
    fake_model: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = str(folder / "day 0/r00.wav"), str(folder / "day 1/r01.wav")
    assert run(["transcribe", first, "-m", "m"]) == 0
    assert capsys.readouterr().out == "said 0\n"
    assert run(["transcribe", first, second, "-m", "m"]) == 0
    assert capsys.readouterr().out == f"{first}\tsaid 0\n{second}\tsaid 1\n"
    assert run(["transcribe", first, second, "-m", "m", "-f", "json"]) == 0
    assert [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()] == ["said 0", "said 1"]
    assert fake_model.options == {}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 exist on Linux only")
def test_a_path_that_is_no_utf_8_is_printed_and_written_as_it_is(
    fake_model: Any, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    names = [os.fsencode(tmp_path) + b"/caf\xe9.wav", os.fsencode(tmp_path) + b"/b.wav"]
    for name in names:
        Path(os.fsdecode(name)).write_text("yes")
    paths = [os.fsdecode(name) for name in names]
    assert run(["transcribe", *paths, "-m", "m"]) == 0
    assert capfdbinary.readouterr().out.splitlines() == [name + b"\tyes" for name in names]
    assert run(["transcribe", *paths, "-m", "m", "-o", str(tmp_path / "out"), "-f", "json"]) == 0
    assert read_transcript(Path(os.fsdecode(os.fsencode(tmp_path) + b"/out/caf\xe9.json"))).id == paths[0]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["-f", "all"], 2, "-f all makes several files"),
        (["-f", "jsn"], 2, "did you mean 'json'?"),
        (["--batch-size", "0"], 2, "batch-size"),
    ],
)
def test_wrong_calls(
    arguments: list[str], status: int, message: str, fake_model: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["transcribe", str(folder), "-m", "m", *arguments]) == status
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_a_wrong_model_or_path_ends_with_1(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transcribe", str(folder), "-m", str(tmp_path / "none")]) == 1
    assert f"{tmp_path}/none" in capsys.readouterr().err
    assert run(["transcribe", str(tmp_path / "none.wav"), "-m", "m"]) == 1
    assert "none.wav: no such file or folder" in capsys.readouterr().err


def test_ctrl_c_leaves_whole_files_and_status_130(
    fake_model: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    many = fake_model.transcribe_many

    def interrupted(clips: Any, **options: Any) -> Any:
        for number, transcript in enumerate(many(clips, **options)):
            if number == 3:
                raise KeyboardInterrupt
            yield transcript

    monkeypatch.setattr(fake_model, "transcribe_many", interrupted)
    assert run(["transcribe", str(folder), "-m", "m", "-o", str(tmp_path / "out")]) == 130
    written = [path for path in (tmp_path / "out").rglob("*.txt") if path.is_file()]
    assert len(written) == 3
    assert all(path.read_text().startswith("said ") for path in written)


def test_a_full_disk_is_told_and_what_stood_there_stays(
    fake_model: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "r00.txt").write_text("older\n")
    real: Callable[..., Any] = Path.write_text

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.parent == out:
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    assert run(["transcribe", str(folder / "day 0/r00.wav"), "-m", "m", "-o", str(out), "--overwrite"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("r00.txt", "older\n")]
