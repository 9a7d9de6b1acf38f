"""WebVTT: escaped text, voices, what browsers' files look like."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts import vtt
from speechrnn.transcripts.cues import make_cues

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import transcripts


@settings(deadline=None)
@given(transcripts(speaker=True))
def test_roundtrip_of_cues_and_speaker(transcript: Transcript) -> None:
    cues, content = make_cues(transcript), vtt.write(transcript)
    found = vtt.read(content, "x")
    assert [segment.text for segment in found.segments] == [" ".join(cue.lines) for cue in cues]
    assert [(segment.start, segment.end) for segment in found.segments] == [(cue.start / 1000, cue.end / 1000) for cue in cues]
    assert found.speaker == (transcript.speaker if cues else "")
    assert content.count("-->") == len(cues)


def test_markup_is_escaped() -> None:
    transcript = Transcript("x", "", 3.0, (Segment("<b>a</b> & --> b", 1.0, 2.5, 1.0),), speaker="A>B")
    assert vtt.write(transcript) == ("WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v A&gt;B>&lt;b&gt;a&lt;/b&gt; &amp; --&gt; b\n")
    assert vtt.write(Transcript("x", "", 3.0)) == "WEBVTT\n"


def test_what_others_write_is_read() -> None:
    content = (
        "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE nothing\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n"
        "<v.loud Mary>Hello <00:01.500><c.x>there</c></v>\n&lrm;second&nbsp;line &#65;\n\n01:00:03.000 --> 01:00:04.000\n<v Bob>Hi"
    )
    found = vtt.read(content, "x")
    assert [(s.text, s.start, s.end) for s in found.segments] == [
        ("Hello there \u200esecond\u00a0line A", 1.0, 2.0),
        ("Hi", 3603.0, 3604.0),
    ]
    assert found.speaker == "", "two voices are not one speaker"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\na\n", "no WebVTT"),
        ("WEBVTTX\n", "no WebVTT"),
        ("WEBVTT\n\na --> b\n", "x, line 3: no two times"),
    ],
)
def test_what_is_no_webvtt_is_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        vtt.read(content, "x")
    assert caught.value.remedy
