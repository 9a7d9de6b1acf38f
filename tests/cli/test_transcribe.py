"""``speechrnn transcribe`` in every format, and into someone's own ELAN file, with a model trained by the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pympi
import pysubs2
import pytest
import soundfile
from praatio import textgrid

from speechrnn.jobs.transcribe import Source, write
from speechrnn.records import Transcript
from speechrnn.transcripts.files import read_transcript
from speechrnn.transcripts.registry import FORMATS

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tones import RATE, sing

COMMAND = (sys.executable, "-c", "from speechrnn.cli.main import main; main()")
EAF = """<?xml version="1.0" encoding="UTF-8"?>\r
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-03-01T10:14:04+01:00" FORMAT="3.0" VERSION="3.0"\
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\r
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\r
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///D:/New folder (2)/rec été.wav" MIME_TYPE="audio/x-wav"/>\r
        <PROPERTY NAME="lastUsedAnnotationId">1</PROPERTY>\r
    </HEADER>\r
    <TIME_ORDER>\r
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="100"/>\r
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="700"/>\r
    </TIME_ORDER>\r
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="by hand">\r
        <ANNOTATION>\r
            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">\r
                <ANNOTATION_VALUE>aéɔ &amp; ŋ</ANNOTATION_VALUE>\r
            </ALIGNABLE_ANNOTATION>\r
        </ANNOTATION>\r
    </TIER>\r
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>\r
</ANNOTATION_DOCUMENT>\r
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Someone sings ``aéɔ ŋ``."""
    path = tmp_path / "rec été.wav"
    soundfile.write(path, sing("abc d", np.random.default_rng(1)), RATE)
    return path


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """An ELAN file of that recording, as saved on Windows."""
    path = tmp_path / "story.eaf"
    path.write_bytes(EAF.encode("utf-8"))
    return path


def test_all_formats_into_a_folder(own, speechrnn, recording, tmp_path):
    out = tmp_path / "out"
    said = speechrnn("transcribe", recording, "-m", own.run, "-f", "all", "-o", out)
    assert (said.status, said.out) == (0, ""), said.err
    assert sorted(path.name for path in out.iterdir()) == sorted(f"rec été{form.suffix}" for form in FORMATS.values())
    exact = read_transcript(out / "rec été.json")
    spans = [(word.text, word.start, word.end) for word in exact.words]
    assert [text for text, _, _ in spans] == ["aéɔ", "ŋ"]
    for form in FORMATS.values():
        found = read_transcript(out / f"rec été{form.suffix}")
        assert found.text == "aéɔ ŋ", form.name
        if form.name in ("json", "tsv", "ctm", "TextGrid", "eaf"):
            assert [(word.text, word.start, word.end) for word in found.words] == spans, form.name
        assert all(0 <= segment.start < segment.end <= exact.duration for segment in found.segments), form.name
    (cue,) = pysubs2.load(str(out / "rec été.srt"))
    assert (cue.plaintext, cue.end <= 1000 * exact.duration) == ("aéɔ ŋ", True)
    grid = textgrid.openTextgrid(str(out / "rec été.TextGrid"), includeEmptyIntervals=True)
    assert grid.tierNames == ("segments", "words", "tokens")
    assert grid.maxTimestamp == exact.duration
    tiers = pympi.Eaf(str(out / "rec été.eaf"))
    (media,) = tiers.get_linked_files()
    assert media["RELATIVE_MEDIA_URL"] == "../rec été.wav"
    assert (out / media["RELATIVE_MEDIA_URL"]).resolve() == recording


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_one_recording_is_printed_in_any_format(name, own, speechrnn, recording):
    said = speechrnn("transcribe", recording, "-m", own.run, "-f", name.lower())
    assert (said.status, said.err) == (0, "")
    assert FORMATS[name].read(said.out, "x").text == "aéɔ ŋ"


def test_several_recordings_are_printed_where_lines_say_whose_they_are(own, speechrnn, recording, tmp_path):
    second = tmp_path / "second one.wav"
    soundfile.write(second, sing("d", np.random.default_rng(2)), RATE)
    said = speechrnn("transcribe", recording, second, "-m", own.run, "-f", "ctm")
    assert said.status == 0
    assert [line.split()[0].rpartition("/")[2] for line in said.out.splitlines()] == ["rec%20été.wav"] * 2 + ["second%20one.wav"]
    assert [found.id for found in FORMATS["ctm"].read_all(said.out, "x")] == [str(recording), str(second)]
    refused = speechrnn("transcribe", recording, second, "-m", own.run, "-f", "srt")
    assert (refused.status, refused.out) == (2, "")
    assert refused.error() == ("-f srt of 2 recordings is a file each, which cannot be printed as one", "give -o DIR")


def test_silence_is_a_valid_file_in_every_format(own, speechrnn, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(2 * RATE), RATE)
    said = speechrnn("transcribe", tmp_path / "silence.wav", "-m", own.run, "-f", "all", "-o", tmp_path / "out")
    assert said.status == 0, said.err
    for form in FORMATS.values():
        path = tmp_path / "out" / f"silence{form.suffix}"
        assert path.stat().st_size > 0
        assert read_transcript(path).text == ""


@pytest.mark.parametrize(("duration", "lacking"), [(3.0, {"ctm"}), (0.0, {"srt", "vtt", "tsv", "ctm", "stm", "TextGrid", "eaf"})])
def test_text_without_times_costs_only_the_formats_that_need_them(duration, lacking, tmp_path):
    formats = list(FORMATS.values())
    errors = write([Transcript("call.wav", "a b", duration)], Source(Path("call.wav"), Path("call")), tmp_path, formats)
    assert {error.message.partition(":")[0] for error in errors} == lacking
    assert all("call.wav: " in error.message and error.remedy for error in errors)
    assert {path.suffix for path in tmp_path.iterdir()} == {form.suffix for form in formats if form.name not in lacking}


def test_into_an_elan_file_all_else_stays(own, speechrnn, recording, story, tmp_path):
    before, out = story.read_bytes(), tmp_path / "heard.eaf"
    said = speechrnn("transcribe", recording, "-m", own.run, "--into", story, "-o", out)
    assert (said.status, said.out) == (0, ""), said.err
    assert said.err == f"1 of 1 recordings transcribed into {out}\n"
    assert story.read_bytes() == before
    found = pympi.Eaf(str(out))
    assert list(found.get_tier_names()) == ["by hand", *(f"hypothesis - {kind}" for kind in ("segments", "words", "confidence"))]
    assert sorted(entry[2] for entry in found.get_annotation_data_for_tier("hypothesis - words")) == ["aéɔ", "ŋ"]
    kept, mine = [], before.splitlines(keepends=True)
    for line in re.sub(rb'(AnnotationId">)\d+', rb"\g<1>1", out.read_bytes()).splitlines(keepends=True):
        if mine and line == mine[0]:
            kept.append(mine.pop(0))
    assert b"".join(kept) == before
    printed = speechrnn("transcribe", recording, "-m", own.run, "-f", "eaf", "--into", story)
    assert printed.out.encode("utf-8") == out.read_bytes()


def test_the_only_copy_is_replaced_only_when_told(own, speechrnn, recording, story, tmp_path):
    before = story.read_bytes()
    for out in (story, tmp_path):
        said = speechrnn("transcribe", recording, "-m", own.run, "--into", story, "-o", out)
        assert (said.status, said.out) == (2, "")
        assert said.error()[0] == f"{story} would be replaced"
        assert story.read_bytes() == before
    said = speechrnn("transcribe", recording, "-m", own.run, "--into", story, "-o", story, "--overwrite")
    assert said.status == 0
    assert len(list(pympi.Eaf(str(story)).get_tier_names())) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rec été.wav", "story.eaf"], "nothing else is left behind"
    said = speechrnn("transcribe", recording, "-m", own.run, "--into", story, "-o", tmp_path / "new")
    assert said.status == 0
    assert "hypothesis 2 - words" in pympi.Eaf(str(tmp_path / "new/story.eaf")).get_tier_names()


@pytest.mark.parametrize("link", ["rec%20%C3%A9t%C3%A9.wav", "rec e\u0301te\u0301.wav"])
def test_a_link_in_another_spelling_is_to_this_recording(own, speechrnn, recording, story, tmp_path, link):
    story.write_text(story.read_text(encoding="utf-8").replace("rec été.wav", link), encoding="utf-8")
    said = speechrnn("transcribe", recording, "-m", own.run, "--into", story, "-o", tmp_path / "new.eaf")
    assert (said.status, "links" in said.err) == (0, False)


def test_a_file_of_another_recording_is_said(own, speechrnn, story, tmp_path):
    soundfile.write(tmp_path / "other.wav", sing("d", np.random.default_rng(2)), RATE)
    said = speechrnn("transcribe", tmp_path / "other.wav", "-m", own.run, "--into", story, "-o", tmp_path / "new.eaf")
    assert said.status == 0
    assert f"warning: {story} links rec été.wav, not other.wav" in said.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (EAF[:600].encode(), "no whole XML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><ANNOTATION_DOCUMENT/>", "a document type or an entity of its own"),
        (b"<TEI/>", "its root is TEI"),
        (re.sub(r"(?s)<TIME_ORDER>.*</TIME_ORDER>", "", EAF).encode(), "0 TIME_ORDER, not one"),
        (None, "no such file"),
    ],
)
def test_what_is_no_elan_file_is_said_before_any_work(content, message, speechrnn, recording, tmp_path):
    path, out = tmp_path / "bad.eaf", tmp_path / "out.eaf"
    if content is not None:
        path.write_bytes(content)
    said = speechrnn("transcribe", recording, "-m", tmp_path / "no model is needed to see this", "--into", path, "-o", out)
    assert (said.status, said.out) == (1, "")
    assert said.error()[0].startswith(f"{path}")
    assert message in said.error()[0]
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-f", "srt"], "--into makes an .eaf and nothing else"),
        (["-f", "eaf,txt"], "--into makes an .eaf and nothing else"),
        (["ANOTHER"], "--into one file with 2 recordings"),
    ],
)
def test_wrong_calls_with_into(words, message, own, speechrnn, recording, story, tmp_path):
    soundfile.write(tmp_path / "b.wav", np.zeros(RATE), RATE)
    words = [tmp_path / "b.wav" if word == "ANOTHER" else word for word in words]
    said = speechrnn("transcribe", recording, *words, "-m", own.run, "--into", story)
    assert (said.status, said.out) == (2, "")
    assert said.error()[0] == message


def test_a_folder_of_elan_files_gets_the_transcripts_of_a_folder_of_recordings(own, speechrnn, tmp_path):
    """As field work keeps them: side by side, some without a file, one broken."""
    work, out = tmp_path / "work", tmp_path / "heard"
    for name in ("a", "day 2/b", "day 2/c", "d"):
        path = work / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sing("abc d", np.random.default_rng(1)), RATE)
        path.with_suffix(".eaf").write_bytes(EAF.replace("rec été.wav", path.name).encode("utf-8"))
    (work / "d.eaf").unlink()
    (work / "day 2/c.eaf").write_text("<TEI/>")
    before = (work / "a.eaf").read_bytes()
    said = speechrnn("transcribe", work, "-m", own.run, "--into", work, "-o", out)
    assert said.status == 1
    assert [line for line in said.err.splitlines() if not line.startswith("  ")] == [
        f"error: {work / 'd.eaf'}: no such file",
        f"error: {work / 'day 2/c.eaf'}: its root is TEI, not ANNOTATION_DOCUMENT",
        f"2 of 4 recordings transcribed into {out}",
    ]
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.eaf")) == ["a.eaf", "day 2/b.eaf"]
    assert (work / "a.eaf").read_bytes() == before
    assert read_transcript(out / "day 2/b.eaf").text == "aéɔ ŋ"
    in_place = ("transcribe", work / "a.wav", "-m", own.run, "--into", work, "-o", work)
    refused = speechrnn(*in_place)
    assert (refused.status, refused.error()[0]) == (2, f"{work / 'a.eaf'} would be replaced")
    assert speechrnn(*in_place, "--overwrite").status == 0
    assert (work / "a.eaf").read_bytes() == (out / "a.eaf").read_bytes()
    printed = speechrnn("transcribe", work / "a.wav", "-m", own.run, "--into", work)
    assert (printed.status, printed.error()[0]) == (2, f"{work} is a folder: its files cannot be printed as one")


def test_a_process_of_its_own_prints_bytes_as_they_are(own, recording, story, tmp_path):
    """Line ends of an .eaf from Windows pass through a pipe unchanged."""
    words = ("transcribe", recording, "-m", own.run, "--into", story)
    done = subprocess.run((*COMMAND, *map(str, words)), capture_output=True, check=True)
    assert done.stdout.count(b"\r\n") == done.stdout.count(b"\n") > EAF.count("\n")
    assert b"Traceback" not in done.stderr
