"""Tables: every value comes back, and no spreadsheet runs anything."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts import tsv
from speechrnn.transcripts.plain import plain

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import texts, transcripts


@settings(deadline=None)
@given(transcripts(speaker=True, channel=True))
def test_roundtrip_keeps_all_but_id_and_duration(transcript: Transcript) -> None:
    expected = replace(transcript, id="x", duration=0.0)
    found = tsv.read(tsv.write(transcript), "x")
    assert found == (expected if transcript.segments else Transcript("x", "", 0.0))


@given(texts)
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    segment = Segment(text, 0.0, 1.0, 1.0)
    content = tsv.write(Transcript("x", "a", 1.0, (segment,)))
    assert content.count("\n") == 2
    assert tsv.read(content, "x").segments == (replace(segment, text=plain(text)),)


def test_as_documented() -> None:
    transcript = Transcript("x", "a", 2.0, words=(Word('say "a"', 0.3, 2.5, 0.97),), channel=1, speaker="mary")
    assert tsv.write(transcript) == (
        "start\tend\tlevel\tspeaker\tchannel\tconfidence\ttext\n"
        "0.300\t2.000\tsegment\tmary\t2\t0.9700\ta\n"
        '0.300\t2.000\tword\tmary\t2\t0.9700\t"say ""a"""\n'
    )


def test_channels_and_speakers_share_a_table() -> None:
    both = [Transcript("x", "a", 0.0, (Segment("a", 0.0, 1.0, 1.0),), channel=number, speaker="s") for number in (0, 1)]
    content = tsv.write_all(both)
    assert tsv.read_all(content, "x") == both
    with pytest.raises(DataError, match="x: 2 transcripts in one file: x s channel 1, x s channel 2"):
        tsv.read(content, "x")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("＝x(1)", "'＝x(1)"),
        ("+1+1|x", "'+1+1|x"),
        ("'=x(1)", "''=x(1)"),
        ("-ed", "-ed"),
        ("@U", "@U"),
        ("=", "="),
        ("'a", "'a"),
        ("a=b(c)", "a=b(c)"),
    ],
)
def test_what_could_be_a_formula_begins_with_an_apostrophe(text: str, cell: str) -> None:
    content = tsv.write(Transcript("x", "", 1.0, words=(Word(text, 0.0, 1.0, 1.0),), speaker=text))
    row = list(csv.reader(io.StringIO(content), dialect="excel-tab"))[1]
    assert (row[3], row[6]) == (cell, cell)
    found = tsv.read(content, "x")
    assert (found.words[0].text, found.speaker) == (text, text)


def test_columns_are_found_by_name() -> None:
    found = tsv.read("text\tnote\tstart\tend\na\tx\t1\t2.5\nb\t\t3\t4", "x")
    assert found == Transcript("x", "a b", 0.0, (Segment("a", 1.0, 2.5, 1.0), Segment("b", 3.0, 4.0, 1.0)))
    levels = tsv.read("start\tend\tlevel\ttext\n0\t1\tword\tab\n0\t1\ttoken\ta\n", "x")
    assert (levels.text, levels.words[0].text, levels.tokens) == ("ab", "ab", (Token("a", 0.0, 1.0, 1.0),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no column start and end and text"),
        ("start,end,text\n1,2,a\n", "no column start and end and text"),
        ("start\tend\ttext\n1\t2\n1\tx\ta\n", "x, line 3: 'x' is no time"),
        ("start\tend\ttext\nnan\t2\ta\n", "x, line 2: 'nan' is no time"),
        ("start\tend\ttext\n3\t2\ta\n", "x, line 2: ends at 2 s, before its start at 3 s"),
        ("start\tend\ttext\tlevel\n1\t2\ta\tsentence\n", "x, line 2: level 'sentence' is not known"),
        ("start\tend\ttext\tchannel\n1\t2\ta\tleft\n", "channel 'left' is no number"),
        ("start\tend\ttext\n1\t2\t" + "a" * 200_000 + "\n", "field larger than field limit"),
    ],
)
def test_what_is_no_such_table_is_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        tsv.read(content, "x")
    assert caught.value.remedy
