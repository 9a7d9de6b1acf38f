"""``speechrnn transcribe`` of calls, streams, hours and folders whose transcription is interrupted."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechrnn.jobs.journal import NAME
from speechrnn.transcripts.files import read_transcript, read_transcripts

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tones import RATE, sing

COMMAND = (sys.executable, "-c", "from speechrnn.cli.main import main; main()")


def run(*words: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run((*COMMAND, *map(str, words)), input=stdin, capture_output=True, check=False)


def song(text: str, seed: int = 1) -> np.ndarray:
    return sing(text, np.random.default_rng(seed))


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """A call: ``aéɔ`` on one side, then ``ŋ aé`` on the other."""
    first, second = song("abc"), song("d ab", 2)
    quiet = 0.003 * np.random.default_rng(3).standard_normal(len(first) + len(second))
    sides = np.stack([quiet.copy(), quiet[::-1].copy()], axis=1)
    sides[: len(first), 0] = first
    sides[len(first) :, 1] = second
    path = tmp_path / "call.wav"
    soundfile.write(path, sides, RATE)
    return path


# Channels


def test_each_side_of_a_call_gets_its_own_transcript(own, speechrnn, call, tmp_path):
    out = tmp_path / "out"
    said = speechrnn("transcribe", call, "-m", own.run, "--channel", "each", "-f", "all", "-o", out)
    assert said.status == 0, said.err
    assert sorted(path.suffix for path in out.iterdir()) == [".TextGrid", ".ctm", ".eaf", ".stm", ".tsv"]
    for path in out.iterdir():
        assert [(t.channel, t.text) for t in read_transcripts(path)] == [(0, "aéɔ"), (1, "ŋ aé")], path
    printed = speechrnn("transcribe", call, "-m", own.run, "--channel", "each")
    assert printed.out == f"{call}\tchannel 1\taéɔ\n{call}\tchannel 2\tŋ aé\n"
    lines = speechrnn("transcribe", call, "-m", own.run, "--channel", "each", "-f", "json").out.splitlines()
    assert [(entry["channel"], entry["text"]) for entry in map(json.loads, lines)] == [(0, "aéɔ"), (1, "ŋ aé")]


def test_one_side_or_both_mixed_with_a_warning(own, speechrnn, call):
    assert speechrnn("transcribe", call, "-m", own.run, "--channel", "2").out == "ŋ aé\n"
    mixed = speechrnn("transcribe", call, "-m", own.run)
    assert mixed.status == 0
    assert mixed.err.startswith(f"warning: {call}: its 2 channels are mixed (further ones are not named); --channel each")


@pytest.mark.parametrize(
    ("words", "status", "message", "remedy"),
    [
        (["--channel", "3"], 1, "{call}: no channel 3, the recording has 2 channels", "give another --channel, mix or each"),
        (["--channel", "0"], 2, "--channel 0 is not known", "counted from 1"),
        (["--channel", "left"], 2, "--channel left is not known", "counted from 1"),
        (
            ["--channel", "each", "-f", "srt"],
            2,
            "--channel each: a file of srt holds one channel",
            "choose tsv, ctm, stm",
        ),
        (
            ["--channel", "each", "-o", "OUT"],
            2,
            "--channel each: a file of txt holds one channel",
            "choose tsv, ctm, stm",
        ),
        (["--channel", "each", "--into", "x.eaf"], 2, "--channel each adds several transcripts", "--channel 2"),
    ],
)
def test_wrong_channels(words, status, message, remedy, own, speechrnn, call, tmp_path):
    said = speechrnn("transcribe", call, "-m", own.run, *(tmp_path / "out" if word == "OUT" else word for word in words))
    assert (said.status, said.out) == (status, "")
    first, second = said.error()
    assert first == message.format(call=call)
    assert remedy in second
    assert not (tmp_path / "out").exists()


def test_a_mono_recording_has_one_channel(own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "a.wav", song("abc"), RATE)
    for channel in ("each", "1", "mix"):
        assert speechrnn("transcribe", tmp_path / "a.wav", "-m", own.run, "--channel", channel).out == "aéɔ\n"
    refused = speechrnn("transcribe", tmp_path / "a.wav", "-m", own.run, "--channel", "2")
    assert refused.error()[0].endswith("a.wav: no channel 2, the recording has one channel")


# Standard input


def test_standard_input_is_a_recording(own, tmp_path):
    soundfile.write(tmp_path / "a.flac", song("abc d"), RATE)
    sound = (tmp_path / "a.flac").read_bytes()
    done = run("transcribe", "-", "-m", own.run, stdin=sound)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "aéɔ ŋ\n", "")
    written = run("transcribe", "-", "-m", own.run, "-o", tmp_path / "out", "-f", "json", stdin=sound)
    assert written.returncode == 0
    assert read_transcript(tmp_path / "out/stdin.json").id == "standard input"


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty (0 bytes)"), (b"das ist kein Ton", "text, not audio"), (b"RIFF\0\0", "damaged")]
)
def test_what_is_no_sound_on_standard_input_is_said(content, message, own, speechrnn, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    said = speechrnn("transcribe", "-", "-m", own.run)
    assert (said.status, said.out) == (1, "")
    first, second = said.error()
    assert first.startswith("standard input: ")
    assert message in first
    assert second


# Long recordings


def test_a_long_recording_is_the_sentences_in_it(own, speechrnn, tmp_path):
    """Two minutes at another rate, in the middle of other files."""
    generator = np.random.default_rng(0)
    pause = 0.003 * generator.standard_normal(2 * RATE)
    texts = ["abc d", "da", "c ab", "bad"] * 10
    parts = [part for text in texts for part in (pause, sing(text, generator))]
    soundfile.write(tmp_path / "long.flac", np.concatenate([*parts, pause]), RATE)
    soundfile.write(tmp_path / "short.wav", song("abc"), RATE)
    said = speechrnn("transcribe", tmp_path / "short.wav", tmp_path / "long.flac", "-m", own.run, "-f", "json")
    assert (said.status, said.err) == (0, "")
    short, long = map(json.loads, said.out.splitlines())
    spelled = [text.translate(str.maketrans("abcd", "aéɔŋ")) for text in texts]
    assert (short["text"], long["text"]) == ("aéɔ", " ".join(spelled))
    assert [segment["text"] for segment in long["segments"]] == spelled
    assert long["duration"] > 100


# Interrupted


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of 150 recordings."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(150):
        soundfile.write(folder / f"{number:03d}.wav", np.tile(song("abc d", number), 1 + number % 4), RATE)
    return folder


def test_a_killed_call_goes_on_and_ends_as_an_unbroken_one(own, speechrnn, many, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    words = ("transcribe", many, "-m", own.run, "-f", "txt,json")
    assert speechrnn(*words, "-o", whole).status == 0
    kills = 0
    while kills < 3:
        process = subprocess.Popen((*COMMAND, *map(str, (*words, "-o", out))), stderr=subprocess.PIPE)
        before = len(list(out.glob("*.json"))) if out.exists() else 0
        until = time.monotonic() + 60
        while len(list(out.glob("*.json"))) < before + 5 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        killed = process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if not killed:
            break
        kills += 1
        written = {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".")}
        assert all((whole / name).read_bytes() == content for name, content in written.items()), "only whole files"
    assert kills, "it was never caught in the middle"
    first = {path.name: path.stat().st_mtime_ns for path in out.glob("*.json")}
    done = {json.loads(line)["done"] for line in (out / NAME).read_text().splitlines() if line.startswith('{"done"')}
    last = speechrnn(*words, "-o", out)
    assert last.status == 0, last.err
    assert f"an interrupted call goes on: {len(done)} of 150 recordings are done" in last.err
    for path in done:
        name = f"{Path(path).stem}.json"
        assert (out / name).stat().st_mtime_ns == first[name], "what is done is not done again"
    found = {path.name: path.read_bytes() for path in out.iterdir()}
    assert found == {path.name: path.read_bytes() for path in whole.iterdir()}, "nothing is lost, and nothing else is left"


@pytest.fixture
def interrupted(own, many, tmp_path):
    """An output folder in which ten recordings are done."""
    from speechrnn.cli.main import run as here

    out = tmp_path / "out"
    few = [str(path) for path in sorted(many.iterdir())[:20]]

    def begin(*words: str) -> int:
        return here(["transcribe", *few, "-m", str(own.run), "-o", str(out), *words])

    with pytest.MonkeyPatch.context() as patch:
        from speechrnn.jobs.journal import Journal

        done = Journal.done

        def stop(journal, recording):
            done(journal, recording)
            if len(list(out.glob("*.txt"))) == 10:
                raise KeyboardInterrupt

        patch.setattr(Journal, "done", stop)
        assert begin() == 130
    return out, few, begin


def test_another_call_does_not_go_on_in_silence(interrupted, capsys):
    out, _, begin = interrupted
    capsys.readouterr()
    assert begin("--channel", "1") == 2
    assert "holds results of an interrupted call with channel mix, now 1" in capsys.readouterr().err
    assert begin("--decoding", "kind=beam") == 2
    assert "an interrupted call with decoding greedy, now beam" in capsys.readouterr().err
    assert len(list(out.glob("*.txt"))) == 10
    assert begin("--channel", "1", "--overwrite") == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".txt"] * 20


def test_a_recording_that_changed_is_done_again_and_one_that_is_missing_too(interrupted, capsys):
    out, few, begin = interrupted
    soundfile.write(few[3], song("ddd"), RATE)
    (out / "005.txt").unlink()
    capsys.readouterr()
    assert begin() == 0
    assert "8 of 20 recordings are done" in capsys.readouterr().err
    assert (out / "003.txt").read_text() == "ŋŋŋ\n"
    assert len(list(out.iterdir())) == 20


def test_what_is_not_ours_is_still_not_replaced(interrupted, capsys, tmp_path):
    out, _, _ = interrupted
    soundfile.write(tmp_path / "new.wav", song("ddd"), RATE)
    (out / "new.txt").write_text("by hand\n")
    from speechrnn.cli.main import run as here

    capsys.readouterr()
    words = ["transcribe", str(tmp_path / "new.wav"), str(tmp_path / "in"), "-m", "m", "-o", str(out)]
    assert here(words) == 2
    assert f"{out / 'new.txt'} would be replaced" in capsys.readouterr().err


def test_a_line_that_a_kill_cut_short_is_no_damage(interrupted):
    out, _, begin = interrupted
    with (out / NAME).open("a") as journal:
        journal.write('{"done": "/some')
    assert begin() == 0
    assert len(list(out.iterdir())) == 20
