"""Lhotse reads what we write, we read what it writes, and nothing but plain files comes through the gate."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from speechrnn.audio import Clip
from speechrnn.data.manifest import MAX_LINE_BYTES, AlignedItem, Utterance, read_manifest, write_manifest
from speechrnn.errors import DataError


def utterance(folder: Path, identity: str = "a", **changes: Any) -> Utterance:
    values: dict[str, Any] = {
        "id": identity,
        "audio": folder / "audio" / f"{identity}.wav",
        "sampling_rate": 16_000,
        "offset": 0,
        "num_samples": 16_001,
        "channel": None,
        "text": "wá só",
        "speaker": "s 1",
        "language": "mdw",
        "alignment": {"word": (AlignedItem("wá", 0.1, 0.25), AlignedItem("só", 0.35, 0.5, 0.75))},
        "custom": {"french": "voilà", "label": 3},
    }
    return Utterance(**{**values, **changes})


def cut(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "a",
        "start": 0.0,
        "duration": 1.0,
        "channel": 0,
        "type": "MonoCut",
        "supervisions": [{"id": "a", "recording_id": "a", "start": 0.0, "duration": 1.0, "channel": 0, "text": "A"}],
        "recording": {
            "id": "a",
            "sources": [{"type": "file", "channels": [0], "source": "a.wav"}],
            "sampling_rate": 16_000,
            "num_samples": 16_000,
            "duration": 1.0,
            "channel_ids": [0],
        },
    }
    return {**copy.deepcopy(values), **changes}


def write_lines(path: Path, *cuts: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in cuts), encoding="utf-8")
    return path


# Round trips.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"offset": 12_345, "num_samples": 7_777, "recording_samples": 99_999},
        {"offset": 12_345, "num_samples": 7_777},
        {"channels": 2},
        {"channels": 2, "channel": 1},
        {"sampling_rate": 22_050, "num_samples": 1},
        {"text": "", "speaker": "", "language": "", "alignment": {}, "custom": {}},
        {"text": 'quote " \\ </script> 𝄞', "custom": {"nested": {"list": [1, None, True]}}},
    ],
)
def test_roundtrip(tmp_path, changes):
    written = utterance(tmp_path, **changes)
    write_manifest(tmp_path / "cuts.jsonl.gz", [written])
    assert read_manifest(tmp_path / "cuts.jsonl.gz") == [written]


def test_duration_and_clip(tmp_path):
    one = utterance(tmp_path, offset=8_000, num_samples=4_000, channel=1, channels=2)
    assert one.duration == 0.25
    assert one.clip == Clip("a", one.audio, 8_000, 4_000, 1, speaker="s 1")
    assert one.alignment["word"][0].end == pytest.approx(0.35)


def test_the_same_bytes_every_time_and_nothing_left_behind(tmp_path):
    many = [utterance(tmp_path, f"u{index}") for index in range(20)]
    write_manifest(tmp_path / "cuts.jsonl.gz", many)
    first = (tmp_path / "cuts.jsonl.gz").read_bytes()
    write_manifest(tmp_path / "cuts.jsonl.gz", iter(many))
    assert (tmp_path / "cuts.jsonl.gz").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["cuts.jsonl.gz"]


def test_a_failure_leaves_the_old_manifest(tmp_path):
    write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path)])
    first = (tmp_path / "cuts.jsonl.gz").read_bytes()
    with pytest.raises(DataError, match="utterance 'bad' cannot be written"):
        write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path, "bad", num_samples=0)])
    assert (tmp_path / "cuts.jsonl.gz").read_bytes() == first


def test_audio_inside_is_written_relative_and_outside_absolute(tmp_path):
    inside, outside = utterance(tmp_path / "été (1)", "in"), utterance(tmp_path / "elsewhere", "out")
    (tmp_path / "été (1)").mkdir()
    write_manifest(tmp_path / "été (1)" / "cuts.jsonl.gz", [inside, outside])
    lines = gzip.decompress((tmp_path / "été (1)" / "cuts.jsonl.gz").read_bytes()).decode("utf-8").splitlines()
    sources = [json.loads(line)["recording"]["sources"][0]["source"] for line in lines]
    assert sources == ["audio/in.wav", str(tmp_path / "elsewhere" / "audio" / "out.wav")]
    (tmp_path / "été (1)").rename(tmp_path / "moved")
    assert read_manifest(tmp_path / "moved" / "cuts.jsonl.gz")[0].audio == tmp_path / "moved" / "audio" / "in.wav"


def test_a_relative_manifest_path_gives_absolute_audio(tmp_path, monkeypatch):
    write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path)])
    monkeypatch.chdir(tmp_path)
    assert read_manifest("cuts.jsonl.gz")[0].audio == tmp_path / "audio" / "a.wav"


def test_lhotse_reads_what_we_write(tmp_path, write_sound):
    import numpy as np
    from lhotse import CutSet
    from lhotse.qa import validate

    from speechrnn import audio

    path = write_sound(tmp_path / "elsewhere" / "a.wav", seconds=1.0)
    one = utterance(tmp_path, audio=path, offset=4_000, num_samples=8_000, recording_samples=16_000)
    (tmp_path / "data").mkdir()
    write_manifest(tmp_path / "data" / "cuts.jsonl.gz", [one])
    (theirs,) = CutSet.from_file(tmp_path / "data" / "cuts.jsonl.gz")
    validate(theirs, read_data=True)
    assert (theirs.id, theirs.start, theirs.duration) == ("a", 0.25, 0.5)
    assert theirs.supervisions[0].text == "wá só"
    assert theirs.supervisions[0].custom == {"french": "voilà", "label": 3}
    assert theirs.supervisions[0].alignment["word"][1].score == 0.75
    np.testing.assert_array_equal(theirs.load_audio()[0], audio.read_clip(one.clip))


def test_we_read_what_lhotse_writes(tmp_path, write_sound):
    from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet

    recording = Recording.from_file(write_sound(tmp_path / "rec.wav", seconds=2.0))
    spans = [("s1", 0.5, 0.75, "eins"), ("s2", 1.25, 0.5, "zwei")]
    segments = [SupervisionSegment(name, "rec", start, length, text=text, speaker="x") for name, start, length, text in spans]
    cuts = CutSet.from_manifests(RecordingSet.from_recordings([recording]), SupervisionSet.from_segments(segments))
    cuts.trim_to_supervisions().to_file(tmp_path / "cuts.jsonl.gz")
    one, two = read_manifest(tmp_path / "cuts.jsonl.gz", check_files=True)
    assert (one.text, one.offset, one.num_samples, one.speaker) == ("eins", 8_000, 12_000, "x")
    assert (two.text, two.offset, two.num_samples, two.recording_samples) == ("zwei", 20_000, 8_000, 32_000)
    assert one.id != two.id
    assert one.audio == tmp_path / "rec.wav"


def test_all_channels_of_a_multicut_are_mixed(tmp_path):
    both = cut(type="MultiCut", channel=[0, 1])
    both["recording"]["channel_ids"] = both["recording"]["sources"][0]["channels"] = [0, 1]
    (one,) = read_manifest(write_lines(tmp_path / "cuts.jsonl", both))
    assert (one.channel, one.channels) == (None, 2)
    both["recording"]["channel_ids"] = [0, 1, 2]
    with pytest.raises(DataError, match=r"its channel is \[0, 1\]"):
        read_manifest(write_lines(tmp_path / "cuts.jsonl", both))


def test_generous_about_lines(tmp_path):
    lines = [json.dumps(cut(id=name)) for name in "abc"]
    (tmp_path / "cuts.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{lines[0]}\r\n\n{lines[1]}\n{lines[2]}".encode())
    assert [one.id for one in read_manifest(tmp_path / "cuts.jsonl")] == ["a", "b", "c"]


# What is refused. Nothing is ever executed or fetched.


@pytest.mark.parametrize("kind", ["command", "url", "memory", "shar", "FILE", ""])
def test_sources_other_than_files_are_refused_by_name(tmp_path, kind):
    marker = tmp_path / "marker"
    hostile = cut()
    hostile["recording"]["sources"] = [{"type": kind, "channels": [0], "source": f"touch '{marker}'"}]
    path = write_lines(tmp_path / "cuts.jsonl", cut(id="fine"), hostile)
    with pytest.raises(DataError, match=rf"line 2: recording of cut 'a': its source is of type '{kind}'") as error:
        read_manifest(path)
    assert "cuts.jsonl" in error.value.message
    assert not marker.exists()


def test_a_command_as_file_name_is_only_a_name(tmp_path):
    marker = tmp_path / "marker"
    odd = cut()
    odd["recording"]["sources"][0]["source"] = f"touch {marker} |"
    path = write_lines(tmp_path / "cuts.jsonl", odd)
    with pytest.raises(DataError, match="1 of 1 audio files are missing"):
        read_manifest(path, check_files=True)
    assert not marker.exists()


REFUSED = {
    "MixedCut": ({"type": "MixedCut", "tracks": []}, "its type is 'MixedCut'"),
    "PaddingCut": ({"type": "PaddingCut"}, "its type is 'PaddingCut'"),
    "no type": ({"type": None}, "its type is 'missing'"),
    "features": ({"features": {"type": "fbank", "storage_path": "x"}}, "stored features"),
    "array": ({"custom": {"ivector": {"storage_type": "numpy_files", "storage_path": "x"}}}, "stored array"),
    "temporal array": ({"custom": {"codes": {"array": {"shape": [1]}, "temporal_dim": 0}}}, "stored array"),
    "recording in a list": ({"custom": {"noise": [{"sources": []}]}}, "stored array, features or a recording"),
    "no recording": ({"recording": None}, "no recording"),
    "no supervision": ({"supervisions": []}, "it has 0 supervisions, not one"),
    "two supervisions": ({"supervisions": [{"text": "a"}, {"text": "b"}]}, "it has 2 supervisions, not one"),
    "no text": ({"supervisions": [{"id": "a"}]}, "text is missing"),
    "number as text": ({"supervisions": [{"text": 5}]}, "text is 5, not a text"),
    "no id": ({"id": None}, "id is missing"),
    "empty id": ({"id": ""}, "its id is ''"),
    "line break in id": ({"id": "a\nb"}, "its id is"),
    "negative start": ({"start": -0.1}, "start is -0.1"),
    "negative duration": ({"duration": -1}, "duration is -1"),
    "no duration": ({"duration": None}, "duration is None"),
    "true as time": ({"start": True}, "start is True"),
    "no length": ({"duration": 0.00001}, "shorter than one sample"),
    "too long": ({"duration": 1.5}, "it ends at sample 24000, its recording at 16000"),
    "channel": ({"channel": 3}, "its channel is 3"),
    "endless": ({"duration": 1e308}, "duration is 1e+308"),
    "huge number": ({"start": 10**4_000}, "start is"),
    "half a character": ({"id": "\ud800"}, "not Unicode text"),
    "deep custom": ({"custom": {"a": json.loads("[" * 100 + "]" * 100)}}, "nested too deeply"),
    "custom": ({"custom": 5}, "custom is not an object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_with_file_and_line(tmp_path, name):
    changes, message = REFUSED[name]
    path = write_lines(tmp_path / "cuts.jsonl", cut(id="fine"), cut(**changes))
    with pytest.raises(DataError) as error:
        read_manifest(path)
    assert error.value.message.startswith(f"{path}, line 2: ")
    assert message in error.value.message
    assert error.value.remedy


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sampling_rate", 0, "sampling_rate is 0"),
        ("sampling_rate", 16_000.5, "sampling_rate is 16000.5"),
        ("num_samples", -5, "num_samples is -5"),
        ("sampling_rate", 10**400, "sampling_rate is 1000"),
        ("sources", [], "exactly one source"),
        ("sources", [{"type": "file", "source": "a"}] * 2, "exactly one source"),
        ("sources", [{"type": "file", "source": ""}], "its path is ''"),
        ("sources", [{"type": "file", "source": "a\0b"}], "its path is"),
        ("sources", [{"type": "file", "source": 5}], "source is 5"),
        ("transforms", [{"name": "Speed", "kwargs": {"factor": 1.1}}], "transformed while loading"),
    ],
)
def test_recordings_that_make_no_sense(tmp_path, field, value, message):
    wrong = cut()
    wrong["recording"][field] = value
    with pytest.raises(DataError, match=message) as error:
        read_manifest(write_lines(tmp_path / "cuts.jsonl", wrong))
    assert "line 1" in error.value.message


@pytest.mark.parametrize(
    "items",
    [
        [["a", 0.0, 1.0]],
        [["a", "x", 1.0, None]],
        [5],
        5,
        [["a", -1.0, 1.0, None]],
        [["a", 0, 10**400, None]],
        [[1, 0, 1, None]],
        [["a", 0, 1, "x"]],
    ],
)
def test_alignments_that_make_no_sense(tmp_path, items):
    wrong = cut()
    wrong["supervisions"][0]["alignment"] = {"phone": items}
    with pytest.raises(DataError, match="its phone alignment"):
        read_manifest(write_lines(tmp_path / "cuts.jsonl", wrong))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"start": NaN}', "NaN is not a value"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "not JSON"),
        ("\udcff", "not JSON"),
    ],
)
def test_lines_that_are_no_cuts(tmp_path, line, message):
    path = tmp_path / "cuts.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message) as error:
        read_manifest(path)
    assert error.value.message.startswith(f"{path}, line 1: ")


def test_a_line_without_end_is_refused_before_it_is_read(tmp_path):
    with gzip.open(tmp_path / "cuts.jsonl.gz", "wb") as stream:
        stream.write(b"{" + b" " * (MAX_LINE_BYTES + 10))
    with pytest.raises(DataError, match="line 1: longer than"):
        read_manifest(tmp_path / "cuts.jsonl.gz")


def test_an_id_that_occurs_twice(tmp_path):
    with pytest.raises(DataError, match="line 3: the id 'a' occurs in line 1 already"):
        read_manifest(write_lines(tmp_path / "cuts.jsonl", cut(), cut(id="b"), cut()))


def test_an_empty_manifest(tmp_path):
    (tmp_path / "cuts.jsonl").write_bytes(b"\n")
    with pytest.raises(DataError, match="no utterances"):
        read_manifest(tmp_path / "cuts.jsonl")


def test_no_manifest(tmp_path):
    with pytest.raises(DataError, match="no such manifest"):
        read_manifest(tmp_path / "cuts.jsonl.gz")
    with pytest.raises(DataError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: data[:30] + b"\0\0\0" + data[33:], lambda data: data[:15]]
)
def test_a_damaged_gzip_file(tmp_path, damage):
    write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path, f"u{index}") for index in range(50)])
    data = (tmp_path / "cuts.jsonl.gz").read_bytes()
    (tmp_path / "cuts.jsonl.gz").write_bytes(damage(data))
    with pytest.raises(DataError, match="damaged gzip"):
        read_manifest(tmp_path / "cuts.jsonl.gz")


def test_missing_files_are_counted_and_the_first_named(tmp_path, write_sound):
    write_sound(tmp_path / "audio" / "u0.wav")
    write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path, f"u{index}") for index in range(9)])
    assert len(read_manifest(tmp_path / "cuts.jsonl.gz")) == 9
    with pytest.raises(DataError, match=r"8 of 9 audio files are missing: .*u1\.wav.*u5\.wav and 3 more") as error:
        read_manifest(tmp_path / "cuts.jsonl.gz", check_files=True)
    assert "u6.wav" not in error.value.message


def test_reading_needs_no_lhotse(tmp_path):
    import subprocess
    import sys

    write_manifest(tmp_path / "cuts.jsonl.gz", [utterance(tmp_path)])
    code = "import sys; from speechrnn.data.manifest import read_manifest; read_manifest(sys.argv[1])"
    code += "; print('lhotse' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "cuts.jsonl.gz")], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
