from __future__ import annotations

import numpy as np
import pytest
import soundfile

from speechrnn.data.importers.common import ImportOptions
from speechrnn.data.importers.kaldi import import_data
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError


@pytest.fixture
def kaldi(tmp_path, write_sound):
    """Twelve utterances in twelve recordings, of three speakers; no file ends in a line end."""
    root = tmp_path / "kaldi (é)"
    names = [f"s{index % 3}-u{index:02d}" for index in range(12)]
    for index, name in enumerate(names):
        write_sound(root / "wav files" / f"{name}.wav", 0.3, seed=index)
    (root / "wav.scp").write_text("\n".join(f"{name} {root / 'wav files' / name}.wav" for name in names), encoding="utf-8")
    (root / "text").write_text("\n".join(f"{name} WORT {index}" for index, name in enumerate(names)), encoding="utf-8")
    (root / "utt2spk").write_text("\n".join(f"{name} {name[:2]}" for name in names), encoding="utf-8")
    return root


def append(path, line):
    path.write_text(path.read_text(encoding="utf-8") + "\n" + line, encoding="utf-8")


def everything(out):
    return {utterance.id: utterance for utterances in read_splits(out).values() for utterance in utterances}


def test_contract(kaldi, tmp_path, check_corpus):
    record = check_corpus(
        lambda out: import_data(kaldi, out, options=ImportOptions(language="de")), tmp_path / "out", disjoint=("text",)
    )
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 10, "dev": 1, "test": 1}
    found = everything(tmp_path / "out")["s2-u11"]
    assert (found.text, found.speaker, found.language, found.num_samples) == ("WORT 11", "s2", "de", 4_800)


def test_only_wav_scp_and_text_are_needed(kaldi, tmp_path):
    (kaldi / "utt2spk").unlink()
    assert import_data(kaldi, tmp_path / "out").problems == ()


def test_segments(kaldi, tmp_path):
    lines = [
        "a s0-u00 0.05 0.15",
        "b s0-u00 0.15 -1",
        "c s1-u01 0.1 0.6",
        "d s1-u01 0.5 0.9",
        "e s1-u01 0.2 0.1",
        "f nowhere 0 1",
        "g s1-u01 0.1 9",
    ]
    (kaldi / "segments").write_text("\n".join(lines), encoding="utf-8")
    (kaldi / "text").write_text("\n".join(f"{name} wort {name}" for name in "abcdefg"), encoding="utf-8")
    prepared = import_data(kaldi, tmp_path / "out")
    found = everything(tmp_path / "out")
    spans = {name: (one.offset, one.num_samples, one.recording_samples) for name, one in found.items()}
    assert spans == {"a": (800, 1_600, 4_800), "b": (2_400, 2_400, None), "c": (1_600, 3_200, None)}
    problems = "\n".join(prepared.problems)
    assert "the recording nowhere is not in wav.scp" in problems
    for name, span in (("d", "0.5 to 0.9"), ("e", "0.2 to 0.1"), ("g", "0.1 to 9.0")):
        assert f"{name} runs from {span} s, its recording lasts 0.30 s" in problems
    assert len(prepared.problems) == 4


@pytest.mark.parametrize("command", ["touch {} |", "| touch {}", "cat a.wav | touch {} |", "-"])
def test_commands_are_refused_and_never_executed(kaldi, tmp_path, command):
    marker = tmp_path / "marker"
    append(kaldi / "wav.scp", f"evil {command.format(marker)}")
    with pytest.raises(DataError, match=r"wav\.scp, line 13: evil is a command") as error:
        import_data(kaldi, tmp_path / "out")
    assert "never executed" in error.value.message
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", ["raw.ark:1234", "a.ark", "http://example.org/a.wav", "s3://bucket/a.wav", "wavs.tar:7"])
def test_archives_and_addresses_are_refused(kaldi, tmp_path, value):
    append(kaldi / "wav.scp", f"odd {value}")
    with pytest.raises(DataError, match="an archive or an address"):
        import_data(kaldi, tmp_path / "out")


def test_ids_in_one_file_only_are_named(kaldi, tmp_path, write_sound):
    append(kaldi / "text", "s9-u99 ohne ton")
    append(kaldi / "wav.scp", f"s8-u88 {write_sound(tmp_path / 'x.wav')}")
    append(kaldi / "text", "s0-u00b")
    prepared = import_data(kaldi, tmp_path / "out")
    problems = "\n".join(prepared.problems)
    assert "text: s9-u99 is not in wav.scp" in problems
    assert "wav.scp: s8-u88 is not in text" in problems
    assert len(everything(tmp_path / "out")) == 12


def test_empty_transcripts_and_bad_recordings_are_named(kaldi, tmp_path):
    text = (kaldi / "text").read_text(encoding="utf-8").replace("s0-u00 WORT 0", "s0-u00")
    (kaldi / "text").write_text(text, encoding="utf-8")
    (kaldi / "wav files" / "s1-u01.wav").unlink()
    (kaldi / "wav files" / "s2-u02.wav").write_bytes(b"RIFF")
    soundfile.write(kaldi / "wav files" / "s0-u03.wav", np.zeros(4_800), 16_000)
    problems = "\n".join(import_data(kaldi, tmp_path / "out").problems)
    assert "text: s0-u00 has no words" in problems
    assert "s1-u01.wav: no such file" in problems
    assert "s2-u02.wav: damaged or cut short" in problems
    assert "s0-u03.wav: silence, every sample is 0" in problems
    assert len(everything(tmp_path / "out")) == 8


def test_paths_relative_to_the_folder_and_to_the_working_directory(kaldi, tmp_path, monkeypatch):
    text = (kaldi / "wav.scp").read_text(encoding="utf-8").replace(f"{kaldi}/", "")
    (kaldi / "wav.scp").write_text(text, encoding="utf-8")
    assert import_data(kaldi, tmp_path / "out").problems == ()
    (kaldi / "wav.scp").write_text(text.replace("wav files", "kaldi (é)/wav files"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert import_data(kaldi, tmp_path / "out").problems == ()
    assert all(one.audio.is_absolute() for one in everything(tmp_path / "out").values())


def test_splits_of_the_source_are_kept(kaldi, tmp_path):
    root = tmp_path / "data"
    lines = {name: (kaldi / name).read_text(encoding="utf-8").splitlines() for name in ("wav.scp", "text", "utt2spk")}
    for split, part in (("train", slice(0, 8)), ("test", slice(8, 12))):
        (root / split).mkdir(parents=True)
        for name, content in lines.items():
            (root / split / name).write_text("\r\n".join(content[part]), encoding="utf-8")
    import_data(root, tmp_path / "out")
    sizes = {split: len(utterances) for split, utterances in read_splits(tmp_path / "out").items()}
    assert sizes == {"train": 7, "dev": 1, "test": 4}
    (root / "valid").mkdir()
    for name, content in lines.items():
        (root / "valid" / name).write_text("\n".join(line.replace("s2-u11", "v-u11", 1) for line in content[11:]), encoding="utf-8")
    import_data(root, tmp_path / "out")
    sizes = {split: len(utterances) for split, utterances in read_splits(tmp_path / "out").items()}
    assert sizes == {"train": 8, "dev": 1, "test": 4}


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("wav.scp", "s0-u00 x.wav", r"wav\.scp, line 13: the id 's0-u00' occurs in line 1 already"),
        ("text", "s0-u00 X", r"text, line 13: the id 's0-u00' occurs"),
        ("wav.scp", "lonely", r"wav\.scp, line 13: 'lonely' has an id and nothing else"),
        ("utt2spk", "lonely", r"utt2spk, line 13"),
    ],
)
def test_malformed_lines_are_named(kaldi, tmp_path, name, line, message):
    append(kaldi / name, line)
    with pytest.raises(DataError, match=message):
        import_data(kaldi, tmp_path / "out")


def test_malformed_segments(kaldi, tmp_path):
    (kaldi / "segments").write_text("a s0-u00 eins zwei", encoding="utf-8")
    with pytest.raises(DataError, match="segments, line 1: not ID RECORDING START END"):
        import_data(kaldi, tmp_path / "out")


def test_no_kaldi_data(tmp_path):
    with pytest.raises(DataError, match=r"no wav\.scp in it"):
        import_data(tmp_path, tmp_path / "out")


def test_no_text(kaldi, tmp_path):
    (kaldi / "text").unlink()
    with pytest.raises(DataError, match="text: no such file"):
        import_data(kaldi, tmp_path / "out")
