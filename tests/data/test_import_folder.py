from __future__ import annotations

import json
import logging
import os
import unicodedata

import numpy as np
import pytest
import soundfile

from speechrnn.data.importers.common import ImportOptions
from speechrnn.data.importers.folder import identity, import_data
from speechrnn.data.inventory import load_splits
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError, UsageError


@pytest.fixture
def recordings(tmp_path, write_sound):
    """Twenty pairs in two folders with spaces, parentheses and accents."""
    root = tmp_path / "field notes (été 2024)"
    for index in range(20):
        stem = root / ("tale 1" if index % 2 else "chansons") / f"Åke_{index:02d} (b)"
        write_sound(stem.with_name(stem.name + ".wav"), 0.1 + 0.01 * index, seed=index)
        stem.with_name(stem.name + ".txt").write_text(f"Wá sò {'n' * index}.\n", encoding="utf-8")
    return root


def everything(out):
    return [utterance for utterances in read_splits(out).values() for utterance in utterances]


def test_contract(recordings, tmp_path, check_corpus):
    out = tmp_path / "data dir (ö)"
    record = check_corpus(lambda folder: import_data(recordings, folder), out, disjoint=("text",))
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 16, "dev": 2, "test": 2}
    assert (record["unit"], record["name"]) == ("chars", "field notes (été 2024)")
    assert all(utterance.text.startswith("Wá sò") for utterance in everything(out))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\r"])
def test_what_editors_write_is_read(tmp_path, write_sound, encoding, ending):
    write_sound(tmp_path / "in" / "a.wav")
    text = unicodedata.normalize("NFD", "Ein schöner Tag") + ending + "im été" + ending
    (tmp_path / "in" / "a.txt").write_bytes(text.encode(encoding))
    import_data(tmp_path / "in", tmp_path / "out")
    (one,) = everything(tmp_path / "out")
    assert one.text == ("Ein schöner Tag im été" if ending else "Ein schöner Tagim été")


def test_what_cannot_be_used_is_left_out_and_named(recordings, tmp_path, write_sound):
    folder = recordings / "tale 1"
    (folder / "Åke_01 (b).txt").unlink()
    (folder / "Åke_03 (b).txt").write_bytes(b" \r\n")
    (folder / "Åke_05 (b).wav").write_bytes((folder / "Åke_05 (b).wav").read_bytes()[:1000])
    (folder / "Åke_07 (b).txt").write_bytes(b"caf\xe9")
    (folder / "Åke_09 (b).wav").write_bytes(b"")
    soundfile.write(folder / "Åke_13 (b).wav", np.zeros(4000), 8000)
    (folder / "lonely.txt").write_text("x", encoding="utf-8")
    write_sound(folder / "Åke_11 (b).flac")
    write_sound(folder / ".hidden.wav")
    prepared = import_data(recordings, tmp_path / "out")
    assert sum(prepared.utterances.values()) == 14
    problems = "\n".join(prepared.problems)
    for message in (
        "Åke_01 (b).wav: no transcript Åke_01 (b).txt beside it",
        "Åke_03 (b).txt: empty",
        "Åke_05 (b).wav: cut short",
        "Åke_07 (b).txt: byte 3 is not utf-8",
        "Åke_09 (b).wav: empty (0 bytes)",
        "Åke_13 (b).wav: silence, every sample is 0",
        "lonely.txt: no recording of that name",
        "Åke_11 (b).flac: Åke_11 (b).wav is taken in its place",
    ):
        assert message in problems
    assert len(prepared.problems) == 8
    assert json.loads((tmp_path / "out" / "corpus.json").read_text(encoding="utf-8"))["left_out"] == list(prepared.problems)


@pytest.mark.parametrize(("rule", "expected"), [("folder", {"chansons", "tale_1"}), ("prefix", {"Åke"}), ("none", {""})])
def test_speaker_rules(recordings, tmp_path, rule, expected):
    import_data(recordings, tmp_path / "out", options=ImportOptions(speaker_from=rule))
    assert {utterance.speaker for utterance in everything(tmp_path / "out")} == expected


def test_ten_speakers_are_kept_apart(tmp_path, write_sound):
    for speaker in range(12):
        for index in range(4):
            path = write_sound(tmp_path / "in" / f"s{speaker:02d}_{index}.wav", 0.05)
            path.with_suffix(".txt").write_text(f"text {index}", encoding="utf-8")
    import_data(tmp_path / "in", tmp_path / "out", options=ImportOptions(speaker_from="prefix", language="de", licence="ours"))
    splits = read_splits(tmp_path / "out")
    speakers = [{utterance.speaker for utterance in utterances} for utterances in splits.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 12
    assert splits["train"][0].language == "de"
    import_data(tmp_path / "in", tmp_path / "out", options=ImportOptions(speaker_from="prefix", split_by="sentence"))
    texts = [{utterance.text for utterance in utterances} for utterances in read_splits(tmp_path / "out").values()]
    assert all(texts)


@pytest.mark.parametrize(("count", "splits"), [(1, ["train"]), (2, ["train", "dev"]), (3, ["train", "dev", "test"])])
def test_tiny_data_always_leaves_something_to_train_on(tmp_path, write_sound, count, splits):
    for index in range(3):
        write_sound(tmp_path / "in" / f"{index}.wav").with_suffix(".txt").write_text(f"t{index}", encoding="utf-8")
    import_data(tmp_path / "in", tmp_path / "out")
    for index in range(count, 3):
        (tmp_path / "in" / f"{index}.wav").unlink()
        (tmp_path / "in" / f"{index}.txt").unlink()
    import_data(tmp_path / "in", tmp_path / "out")
    assert list(read_splits(tmp_path / "out")) == splits


def test_letters_without_spaces_are_seen(tmp_path, write_sound):
    for index in range(4):
        write_sound(tmp_path / "in" / f"{index}.wav").with_suffix(".txt").write_text(f"我{index}", encoding="utf-8")
    import_data(tmp_path / "in", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "corpus.json").read_text(encoding="utf-8"))["unit"] == "letters"


def test_ids_that_collide_are_named(tmp_path, write_sound):
    for name in ("a b", "a_b", "c"):
        write_sound(tmp_path / "in" / f"{name}.wav")
        (tmp_path / "in" / f"{name}.txt").write_text(name, encoding="utf-8")
    prepared = import_data(tmp_path / "in", tmp_path / "out")
    assert len(prepared.problems) == 1
    assert "its id 'a_b' is that of" in prepared.problems[0]


def test_identity():
    assert identity(unicodedata.normalize("NFD", "été/1  x")) == "été-1_x"


def test_nothing_to_use(tmp_path, write_sound):
    with pytest.raises(DataError, match="no such folder"):
        import_data(tmp_path / "none", tmp_path / "out")
    write_sound(tmp_path / "in" / "a.wav")
    with pytest.raises(DataError, match=r"no utterance with a recording and a transcript: .*no transcript a\.txt"):
        import_data(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    "wrong", [{"speaker_from": "name"}, {"split_by": "day"}, {"dev": 1.0}, {"dev": 0.6, "test": 0.5}, {"test": -0.1}]
)
def test_options_are_checked(wrong):
    with pytest.raises(UsageError):
        ImportOptions(**wrong)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that its owner may not read")
def test_an_unreadable_transcript_is_named(tmp_path, write_sound):
    path = write_sound(tmp_path / "in" / "a.wav").with_suffix(".txt")
    path.write_text("a", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        import_data(tmp_path / "in", tmp_path / "out")


def test_nothing_is_logged_on_the_way(recordings, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        import_data(recordings, tmp_path / "out")
    assert not caplog.messages


def test_names_that_differ_in_their_unicode_form_belong_together(tmp_path, write_sound):
    """As copied from a Mac: an accented letter of one name is two characters."""
    for form, other in (("NFD", "NFC"), ("NFC", "NFD")):
        write_sound(tmp_path / "in" / f"{unicodedata.normalize(form, 'été')} {form}.wav")
        (tmp_path / "in" / f"{unicodedata.normalize(other, 'été')} {form}.txt").write_text(f"said {form}", encoding="utf-8")
    prepared = import_data(tmp_path / "in", tmp_path / "out")
    assert prepared.problems == ()
    assert {one.text for one in everything(tmp_path / "out")} == {"said NFD", "said NFC"}


def test_sound_of_a_kind_that_is_not_read_is_named(tmp_path, write_sound):
    write_sound(tmp_path / "in" / "a.wav")
    for name in ("a.txt", "phone.m4a", "phone.txt", "clip.MP4"):
        (tmp_path / "in" / name).write_text("said", encoding="utf-8")
    prepared = import_data(tmp_path / "in", tmp_path / "out")
    assert len(prepared.problems) == 2
    assert all("sound of a kind that is not read; convert it" in problem for problem in prepared.problems)
    assert {problem.split(": ")[0].rsplit("/")[-1] for problem in prepared.problems} == {"phone.m4a", "clip.MP4"}


def test_linked_folders_are_walked_once(tmp_path, write_sound):
    write_sound(tmp_path / "elsewhere" / "a.wav")
    (tmp_path / "elsewhere" / "a.txt").write_text("said", encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "in", target_is_directory=True)
    prepared = import_data(tmp_path / "in", tmp_path / "out")
    assert (sum(prepared.utterances.values()), prepared.problems) == (1, ())


@pytest.mark.parametrize(
    ("speakers", "said"),
    [
        (("a", "b", "c"), ""),
        (("a", "b"), "speakers in several splits: "),
        (("a",), "speakers in several splits: a"),
        ((), "no speakers are known"),
    ],
)
def test_a_split_by_speaker_that_cannot_be_kept_is_said(tmp_path, write_sound, caplog, speakers, said):
    caplog.set_level(logging.WARNING, "speechrnn")
    for index in range(30):
        stem = tmp_path / "in" / (speakers[index % len(speakers)] if speakers else "") / f"{index:02d}"
        write_sound(stem.with_name(f"{stem.name}.wav"), 0.1, seed=index)
        stem.with_name(f"{stem.name}.txt").write_text(f"n{index}", encoding="utf-8")
    options = ImportOptions(split_by="speaker", speaker_from="folder" if speakers else "none")
    import_data(tmp_path / "in", tmp_path / "out", options=options)
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == bool(said)
    assert all(said in warning for warning in warnings)


def test_data_without_dev_are_said_to_be_of_no_use_for_training(tmp_path, write_sound, caplog):
    caplog.set_level(logging.WARNING, "speechrnn")
    write_sound(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "a.txt").write_text("said", encoding="utf-8")
    import_data(tmp_path / "in", tmp_path / "out")
    assert "without which nothing can be trained" in caplog.text
    with pytest.raises(DataError, match=r"no cuts_dev.jsonl.gz") as caught:
        load_splits(tmp_path / "out")
    assert "--dev above 0" in caught.value.remedy
