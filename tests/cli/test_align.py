"""``speechrnn align`` with a model trained by the command line, on tones whose times are known."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from praatio import textgrid

from speechrnn.data.manifest import AlignedItem, Utterance, write_manifest
from speechrnn.transcripts.files import read_transcript

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tones import RATE, sing

TEXT = "aéɔ ŋ"
TIMES = {"a": (0.05, 0.17), "é": (0.20, 0.32), "ɔ": (0.35, 0.47), "ŋ": (0.65, 0.77)}
"""When the tones of TEXT sound; of what is between two of a word either may take a part."""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "rec été.wav"
    soundfile.write(path, sing("abc d", np.random.default_rng(1)), RATE)
    return path


def near(found, expected, ms=45):
    return abs(found - expected) <= ms / 1000


def test_times_are_those_of_the_sounds_and_of_the_pause_between_words(own, speechrnn, recording):
    said = speechrnn("align", recording, TEXT, "-m", own.run, "-f", "json")
    assert said.status == 0, said.err
    found = json.loads(said.out)
    assert (found["text"], found["unit"]) == (TEXT, "chars")
    assert [word["text"] for word in found["words"]] == ["aéɔ", "ŋ"]
    assert [token["text"] for token in found["tokens"]] == list(TIMES)
    for token in found["tokens"]:
        start, end = TIMES[token["text"]]
        assert near(token["start"], start)
        assert near(token["end"], end)
        assert 0 <= token["confidence"] <= 1
    first, second = found["words"]
    assert (first["start"], first["end"]) == (found["tokens"][0]["start"], found["tokens"][2]["end"])
    assert second["start"] - first["end"] >= 0.1, "the pause belongs to no word"


def test_a_textgrid_of_words_and_letters_goes_through_praatio(own, speechrnn, recording, tmp_path):
    assert speechrnn("align", recording, TEXT, "-m", own.run, "-o", tmp_path / "out", "-f", "TextGrid,json").status == 0
    path = tmp_path / "out" / "rec été.TextGrid"
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    grid.save(str(tmp_path / "again.TextGrid"), "long_textgrid", includeBlankSpaces=True)
    again = read_transcript(tmp_path / "again.TextGrid")
    full = read_transcript(tmp_path / "out" / "rec été.json")
    for level in ("words", "tokens"):
        spans = [(span.text, span.start, span.end) for span in getattr(full, level)]
        assert [tuple(entry) for entry in grid.getTier(level).entries] == [(a, b, text) for text, a, b in spans]
        assert [(span.text, span.start, span.end) for span in getattr(again, level)] == spans


def test_lines_of_the_text_are_segments(own, speechrnn, recording, tmp_path):
    (tmp_path / "text.txt").write_bytes("aéɔ\r\n\r\nŋ".encode("utf-16"))
    said = speechrnn("align", recording, tmp_path / "text.txt", "-m", own.run, "-f", "json")
    found = json.loads(said.out)
    assert [segment["text"] for segment in found["segments"]] == ["aéɔ", "ŋ"]
    assert [(s["start"], s["end"]) for s in found["segments"]] == [(w["start"], w["end"]) for w in found["words"]]


def test_states_are_the_path_of_the_network_without_a_gap(own, speechrnn, recording, tmp_path):
    assert speechrnn("align", recording, TEXT, "-m", own.run, "--states", "-o", tmp_path / "out").status == 0
    grid = textgrid.openTextgrid(str(tmp_path / "out" / "rec été.TextGrid"), includeEmptyIntervals=False)
    entries = grid.getTier("states").entries
    assert [entry.label for entry in entries if entry.label not in ("<blank>", "<space>")] == list(TIMES)
    assert "<blank>" in {entry.label for entry in entries}
    # Word boundaries are no labels of a tier.
    assert entries[0].start == 0
    gaps = [(a.end, b.start) for a, b in itertools.pairwise(entries) if a.end != b.start]
    (space,) = gaps
    assert TIMES["ɔ"][0] < space[0] < space[1] < TIMES["ŋ"][1]


def test_a_folder_with_its_texts_and_the_manifest_made_of_it_agree(own, speechrnn, tmp_path):
    one = speechrnn("align", own.recordings, "-m", own.run, "-o", tmp_path / "beside")
    assert one.status == 0, one.err
    assert one.err.splitlines()[-1].startswith("72 of 72 recordings aligned into")
    made = sorted(path.name for path in (tmp_path / "beside").iterdir())
    assert made == [f"{index:02d} né.TextGrid" for index in range(72)]
    texts = tmp_path / "texts"
    texts.mkdir()
    for path in own.recordings.glob("*.txt"):
        shutil.copy(path, texts)
    two = speechrnn("align", own.recordings, texts, "-m", own.run, "-o", tmp_path / "apart")
    assert two.status == 0
    same = speechrnn("align", "--compare", tmp_path / "beside", tmp_path / "apart")
    assert same.status == 0
    rows = [line.split() for line in same.out.splitlines()[1:]]
    assert [row[:2] for row in rows] == [[level, side] for level in ("word", "token") for side in ("start", "end", "all")]
    assert all(float(row[3]) == 0 and float(row[4]) == 0 and row[-1] == "100.0" for row in rows)
    assert "72 recordings" in same.err
    table = tmp_path / "scores.tsv"
    call = ("align", own.data / "cuts_test.jsonl.gz", "-m", own.run, "--scores", table)
    three = speechrnn(*call, "-o", tmp_path / "manifest")
    assert three.status == 0, three.err
    tested = len(list((tmp_path / "manifest").iterdir()))
    assert 0 < tested < 72
    for path in list((tmp_path / "manifest").iterdir()):
        # Ids of imported recordings have no spaces.
        path.rename(path.with_name(path.name.replace("_", " ")))
    again = speechrnn("align", "--compare", tmp_path / "manifest", tmp_path / "beside")
    assert all(float(line.split()[4]) == 0 for line in again.out.splitlines()[1:])
    assert f"{tested} recordings" in again.err
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "score\trecording"
    scores = [float(line.split("\t")[0]) for line in lines[1:]]
    assert len(scores) == tested
    assert scores == sorted(scores)
    assert scores[-1] == 0, "some texts are heard as they are"
    refused = speechrnn(*call, "-o", tmp_path / "more")
    assert (refused.status, refused.error()[0]) == (2, f"{table} would be replaced")
    assert not (tmp_path / "more").exists()


def test_an_alignment_is_measured_against_a_manifest(own, speechrnn, tmp_path):
    (tmp_path / "audio").mkdir()
    utterances = []
    for number, sung in enumerate(["abc d", "dcba", "ab cd", "a"]):
        samples = sing(sung, np.random.default_rng(number))
        path = tmp_path / "audio" / f"u{number}.wav"
        soundfile.write(path, samples, RATE)
        text = sung.translate(str.maketrans("abcd", "aéɔŋ"))
        phones = tuple(
            AlignedItem(letter, round(0.05 + 0.15 * place, 3), 0.12) for place, letter in enumerate(text) if letter != " "
        )
        utterances.append(
            Utterance(
                f"../u:{number}",
                path,
                RATE,
                0,
                len(samples),
                None,
                text,
                alignment={"phone": phones},
                recording_samples=len(samples),
            )
        )
    write_manifest(tmp_path / "cuts.jsonl.gz", utterances)
    assert speechrnn("align", tmp_path / "cuts.jsonl.gz", "-m", own.run, "-o", tmp_path / "out").status == 0
    # Whatever the ids are: files lie in the folder that was named.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "cuts.jsonl.gz", "out"]
    assert "..%2fu%3a0.TextGrid" in {path.name for path in (tmp_path / "out").iterdir()}
    said = speechrnn("align", "--compare", tmp_path / "cuts.jsonl.gz", tmp_path / "out")
    assert said.status == 0, said.err
    rows = [line.split() for line in said.out.splitlines()[1:]]
    assert [row[:3] for row in rows] == [["token", "start", "13"], ["token", "end", "13"], ["token", "all", "26"]]
    assert all(abs(float(row[3])) <= 30 and float(row[4]) <= 30 for row in rows)


def test_a_text_that_is_not_what_is_spoken_is_named(own, speechrnn, recording, tmp_path):
    said = speechrnn("align", recording, "ŋŋ aŋɔ", "-m", own.run, "-o", tmp_path / "out")
    assert said.status == 0
    assert "warning: 1 of 1 texts are hardly what is spoken" in said.err
    assert str(recording) in said.err
    assert "hardly" not in speechrnn("align", recording, TEXT, "-m", own.run).err


def test_one_bad_recording_does_not_cost_the_others(own, speechrnn, recording, tmp_path):
    folder = tmp_path / "several"
    folder.mkdir()
    for name, text in (("a", TEXT), ("b", "aqɔ"), ("c", None), ("d", ""), ("e", TEXT), ("f", "aéɔŋ" * 20)):
        shutil.copy(recording, folder / f"{name}.wav")
        if text is not None:
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "e.wav").write_bytes(b"RIFF")
    said = speechrnn("align", folder, "-m", own.run, "-o", tmp_path / "out")
    assert said.status == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.TextGrid"]
    errors = [line.removeprefix("error: ") for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 5
    for name, message in (
        ("b.wav", "symbol 'q' (U+0071 LATIN SMALL LETTER Q)"),
        ("c.txt", "no such file"),
        ("d.wav", "the text is empty"),
        ("e.wav", ""),
        ("f.wav", "80 tokens of text do not fit into"),
    ):
        assert any(str(folder / name) in error and message in error for error in errors), name


@pytest.mark.parametrize(
    ("samples", "text", "message"),
    [(16, "a", "2 ms of audio, less than one analysis window"), (3 * RATE, "a", None)],
)
def test_next_to_nothing_and_silence(samples, text, message, own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(samples), RATE)
    said = speechrnn("align", tmp_path / "quiet.wav", text, "-m", own.run)
    if message:
        assert said.status == 1
        assert message in said.error()[0]
        assert said.out == ""
    else:
        assert said.status == 0
        assert "hardly what is spoken" in said.err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["RECORDING", "TEXT"], 2, "no model is given"),
        (["RECORDING", "gone.txt", "-m", "RUN"], 1, "gone.txt: no such file"),
        (["RECORDING", "-m", "RUN"], 1, "rec été.txt: no such file"),
        (["gone.wav", "a", "-m", "RUN"], 1, "gone.wav: no such file or folder"),
        (["MANIFEST", "a", "-m", "RUN"], 2, "holds its texts"),
        (["RECORDING", "STORY", "-m", "RUN"], 2, "a transcript with times, not a text"),
        (["RECORDING", "a", "-m", "RUN", "-f", "textgird"], 2, "'textgird' is not known"),
        (["FOLDER", "gone", "-m", "RUN", "-o", "OUT"], 1, "gone: no such folder"),
        (["--compare", "RECORDING"], 2, "--compare takes two alignments"),
        (["--compare", "MANIFEST", "FOLDER"], 1, "no alignment in it"),
    ],
)
def test_wrong_calls(words, status, message, own, speechrnn, recording, tmp_path):
    known = {
        "RECORDING": recording,
        "RUN": own.run,
        "MANIFEST": own.data / "cuts_test.jsonl.gz",
        "FOLDER": own.recordings,
        "OUT": tmp_path / "out",
        "STORY": tmp_path / "story.EAF",
    }
    known["STORY"].write_text("<ANNOTATION_DOCUMENT/>")
    said = speechrnn("align", *(known.get(word, word) for word in words))
    assert (said.status, said.out) == (status, "")
    assert message in said.error()[0]
    assert not (tmp_path / "out").exists()


def test_alignments_without_a_common_recording_or_label_are_said(own, speechrnn, recording, tmp_path):
    for name, text in (("one", "aéɔ ŋ"), ("two", "ɔ")):
        speechrnn("align", recording, text, "-m", own.run, "-f", "ctm", "-o", tmp_path / name)
    said = speechrnn("align", "--compare", tmp_path / "one", tmp_path / "two")
    assert said.status == 1
    assert "share no label" in said.error()[0]
    (tmp_path / "two" / "rec été.ctm").rename(tmp_path / "two" / "other.ctm")
    shutil.copy(tmp_path / "two" / "other.ctm", tmp_path / "two" / "third.ctm")
    said = speechrnn("align", "--compare", tmp_path / "one", tmp_path / "two")
    assert "no recording in common" in said.error()[0]


def test_help_shows_examples(speechrnn):
    said = speechrnn("align", "--help")
    assert said.status == 0
    assert "speechrnn align story.wav story.txt -m runs/own -o aligned/" in said.out


def test_a_recording_that_is_gone_is_named_and_the_others_are_done(own, speechrnn, recording, tmp_path):
    utterances = []
    for name in ("a", "gone", "c"):
        shutil.copy(recording, tmp_path / f"{name}.wav")
        size = soundfile.info(str(recording)).frames
        utterances.append(Utterance(name, tmp_path / f"{name}.wav", RATE, 0, size, None, TEXT, recording_samples=size))
    write_manifest(tmp_path / "cuts.jsonl.gz", utterances)
    (tmp_path / "gone.wav").unlink()
    said = speechrnn("align", tmp_path / "cuts.jsonl.gz", "-m", own.run, "-o", tmp_path / "out")
    assert said.status == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".TextGrid") == ["a.TextGrid", "c.TextGrid"]
    assert "gone.wav: no such file" in said.err


def test_what_is_printed_of_several_is_read_by_compare(own, speechrnn, recording, tmp_path):
    size = soundfile.info(str(recording)).frames
    utterances = [Utterance(f"s1/u{number}", recording, RATE, 0, size, None, TEXT, recording_samples=size) for number in range(2)]
    write_manifest(tmp_path / "cuts.jsonl.gz", utterances)
    speechrnn("align", tmp_path / "cuts.jsonl.gz", "-m", own.run, "-o", tmp_path / "out")
    for form in ("ctm", "json"):
        printed = speechrnn("align", tmp_path / "cuts.jsonl.gz", "-m", own.run, "-f", form)
        (tmp_path / f"all.{form}").write_text(printed.out, encoding="utf-8")
        said = speechrnn("align", "--compare", tmp_path / "out", tmp_path / f"all.{form}")
        assert said.status == 0, said.err
        assert "2 recordings" in said.err
        assert all(float(line.split()[4]) <= 0.5 for line in said.out.splitlines()[1:])


@pytest.mark.parametrize("between", ["silence", "click"])
def test_a_long_recording_is_laid_sentence_by_sentence_whatever_is_in_its_pauses(own, speechrnn, tmp_path, between):
    rng = np.random.default_rng(3)
    parts, lines, spans, place = [], [], [], 0
    for number in range(24):
        sung = ["abc d", "dc", "a bb", "cda"][number % 4]
        samples = sing(sung, rng)
        parts.append(samples)
        spans.append((place / RATE, (place + len(samples)) / RATE))
        pause = (0.003 * rng.standard_normal(RATE)).astype(np.float32)
        if between == "click":
            pause[RATE // 2 : RATE // 2 + 400] += 0.2 * rng.standard_normal(400).astype(np.float32)
        parts.append(pause)
        place += len(samples) + len(pause)
        lines.append(sung.translate(str.maketrans("abcd", "aéɔŋ")))
    soundfile.write(tmp_path / "story.wav", np.concatenate(parts), RATE)
    (tmp_path / "story.txt").write_text("\n".join(lines), encoding="utf-8")
    assert place / RATE > 24, "longer than a window"
    said = speechrnn("align", tmp_path / "story.wav", "-m", own.run, "-f", "json")
    assert said.status == 0, said.err
    found = json.loads(said.out)["segments"]
    assert [segment["text"] for segment in found] == lines
    for segment, (start, end) in zip(found, spans, strict=True):
        assert start - 0.05 <= segment["start"] < segment["end"] <= end + 0.05


@pytest.mark.parametrize("whole", ["nothing", "speakers of one recording each", "scores", "speakers of several"])
def test_an_interrupted_call_goes_on_or_begins_anew_where_all_of_it_counts(whole, own, recording, tmp_path, monkeypatch, capsys):
    from speechrnn.audio import Clip
    from speechrnn.cli.main import run as here
    from speechrnn.inference.rnn_recognizer import RnnRecognizer
    from speechrnn.jobs.journal import Journal

    folder, out, scores = tmp_path / "several", tmp_path / "out", tmp_path / "scores.tsv"
    folder.mkdir()
    for name in "abcd":
        shutil.copy(recording, folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text(TEXT, encoding="utf-8")
    call = ["align", str(folder), "-m", str(own.run), "-o", str(out), *(["--scores", str(scores)] if whole == "scores" else [])]
    if "speakers" in whole:
        monkeypatch.setattr(RnnRecognizer, "hears_speakers", True)
    if "several" in whole:
        monkeypatch.setattr(Clip, "voice", "one")
    goes_on = whole in ("nothing", "speakers of one recording each")
    done = Journal.done

    def stop(journal, source):
        done(journal, source)
        if source.stem == "b":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "done", stop)
        assert here(call) == 130
    assert sorted(path.stem for path in out.glob("*.TextGrid")) == ["a", "b"]
    begun = (out / "a.TextGrid").stat().st_mtime_ns
    capsys.readouterr()
    assert here(call) == 0
    said = capsys.readouterr().err
    assert ("goes on: 2 of 4 recordings are done" if goes_on else "begins anew") in said
    assert ((out / "a.TextGrid").stat().st_mtime_ns == begun) == goes_on
    assert sorted(path.name for path in out.iterdir()) == [f"{name}.TextGrid" for name in "abcd"]
    if whole == "scores":
        assert len(scores.read_text(encoding="utf-8").splitlines()) == 5
