"""SubRip: what we write, what players and other readers make of it, what editors write."""

from __future__ import annotations

import sys
from pathlib import Path

import pysubs2
import pytest
from hypothesis import assume, given, settings

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts import srt
from speechrnn.transcripts.cues import make_cues

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import texts, transcripts


def one(text: str) -> Transcript:
    return Transcript("x", text, 3.0, (Segment(text, 1.0, 2.5, 1.0),))


@settings(deadline=None)
@given(transcripts())
def test_roundtrip_of_cues(transcript: Transcript) -> None:
    cues, found = make_cues(transcript), srt.read(srt.write(transcript), "x")
    assert [segment.text for segment in found.segments] == [" ".join(cue.lines) for cue in cues]
    assert [(segment.start, segment.end) for segment in found.segments] == [(cue.start / 1000, cue.end / 1000) for cue in cues]


@settings(deadline=None)
@given(texts)
def test_any_text_makes_a_file_that_is_read_back(text: str) -> None:
    content = srt.write(one(text))
    shown = "".join(line for cue in make_cues(one(text)) for line in cue.lines)
    assert srt.read(content, "x").text.replace(" ", "") == shown.replace(" ", "")
    assert content.count("-->") == len(make_cues(one(text)))
    assert content.encode("utf-8")


def test_as_players_know_it() -> None:
    assert srt.write(one("wá o")) == "1\n00:00:01,000 --> 00:00:02,500\nwá o\n"
    assert srt.write(Transcript("x", "", 3.0)) == "\n"


@pytest.mark.parametrize("text", ["<i>a</i>", "{\\an8}a", "a --> b", "<unk> {x}", "1"])
def test_what_looks_like_a_style_stays_text(text: str) -> None:
    content = srt.write(one(text))
    assert srt.read(content, "x").text == text
    if "{" not in text:
        # pysubs2 takes everything in braces for a style.
        (event,) = pysubs2.SSAFile.from_string(content, format_="srt")
        assert event.plaintext.replace("\u2060", "") == text


@settings(deadline=None, max_examples=30)
@given(transcripts())
def test_pysubs2_finds_the_same_cues(transcript: Transcript) -> None:
    # pysubs2 takes two times in a line for the start of a cue, with or without an arrow.
    assume("00:00" not in transcript.text)
    cues = make_cues(transcript)
    found = pysubs2.SSAFile.from_string(srt.write(transcript), format_="srt") if cues else []
    assert [(event.start, event.end) for event in found] == [(cue.start, cue.end) for cue in cues]


def test_what_editors_write_is_read() -> None:
    content = (
        "1\n00:00:01,000 --> 00:00:02,000 X1:10\n<i>styled</i> <font color='red'>red</font>\n- {\\an8}second line\n\n\n"
        "00:00:03.5 --> 00:00:04.000\nno number\n3\n00:00:05,000 --> 00:00:06,000\nno empty line before, no end after <unk>"
    )
    found = srt.read(content, "x")
    assert [(s.text, s.start, s.end) for s in found.segments] == [
        ("styled red - second line", 1.0, 2.0),
        ("no number", 3.5, 4.0),
        ("no empty line before, no end after <unk>", 5.0, 6.0),
    ]
    assert found.duration == 0.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\n00:00 --> soon\na\n", "x, line 2: no two times"),
        ("1\n00:00:02,000 --> 00:00:01,000\na\n", "x, line 2: ends before it starts"),
    ],
)
def test_times_that_cannot_be_read_are_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        srt.read(content, "x")
    assert caught.value.remedy
