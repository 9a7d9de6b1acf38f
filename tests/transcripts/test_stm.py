"""NIST stm: fields, order, labels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts import stm

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import transcripts


@settings(deadline=None)
@given(transcripts(speaker=True, channel=True))
def test_roundtrip_keeps_all_of_the_segments(transcript: Transcript) -> None:
    found = stm.read(stm.write(transcript), "x")
    segments = tuple(replace(segment, confidence=1.0) for segment in transcript.segments)
    expected = replace(transcript, duration=0.0, segments=segments, words=(), tokens=())
    assert found == (expected if segments else Transcript("x", "", 0.0))


def test_sorted_with_label_and_speaker() -> None:
    a = Transcript("b c", "x", 2.0, (Segment("<unk> late", 1.0, 2.5, 1.0), Segment("early", 0.0, 0.5, 1.0)), speaker="Mary Ann")
    assert stm.write_all([a, Transcript("a", "whole", 2.0)]) == (
        "a 1 unknown 0.000 2.000 <O> whole\n"
        "b%20c 1 Mary%20Ann 0.000 0.500 <O> early\nb%20c 1 Mary%20Ann 1.000 2.000 <O> <unk> late\n"
    )
    assert stm.read(stm.write(a), "x").segments[1].text == "<unk> late"
    assert stm.write(Transcript("a", "", 2.0)) == ";;\n"


def test_what_others_write_is_read() -> None:
    content = (
        ';; CATEGORY "0" "" ""\nsw1 A spk1 0 1.5 <o,f0,male> HELLO { A / B } THERE\nsw1 A spk1 2 3 no label\n'
        "sw1 A spk1 3 4 IGNORE_TIME_SEGMENT_IN_SCORING\nsw1 A spk1 4 5 <o>\nsw1 A spk1 5 6\n"
    )
    found = stm.read(content, "x")
    assert [segment.text for segment in found.segments] == ["HELLO { A / B } THERE", "no label"]
    assert (found.id, found.channel, found.speaker) == ("sw1", 0, "spk1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 s 0\n", "x, line 1: 4 fields"),
        ("a 1 s 2 1 <O> t\n", "x, line 1: ends at 1 s, before its start at 2 s"),
        ("a 1 s 2 later <O> t\n", "x, line 1: 'later' is no time"),
        ("a 1 s 0 1 t\na 1 other 0 1 t\n", "2 transcripts in one file: a s, a other"),
    ],
)
def test_lines_that_are_no_stm_are_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        stm.read(content, "x")
    assert caught.value.remedy
