"""TextGrids: tiers without gaps, in whatever form Praat and others save them; praatio reads what we write."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from praatio import textgrid as praatio

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts import textgrid
from speechrnn.transcripts.files import read_transcript, write_transcript

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import texts, transcripts

EXAMPLE = Transcript(
    "x",
    'wá "o"',
    1.25,
    (Segment('wá "o"', 0.1, 1.0, 1.0),),
    (Word("wá", 0.1, 0.3, 1.0), Word('"o"', 0.7, 1.0, 1.0)),
    (Token("w", 0.1, 0.2, 1.0), Token("á", 0.2, 0.3, 1.0), Token('"o"', 0.7, 1.0, 1.0)),
)
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
1.25
<exists>
3
"IntervalTier"
"Words"
0
1.25
4
0
0.1
""
0.1
0.3
"wá"
0.3
0.7
""
0.7
1.25
"o ""x"""
"TextTier"
"clicks"
0
1.25
1
0.5
"click"
"IntervalTier"
"phones"
0
1.25
1
0
1.25
"a"
'''


@settings(deadline=None)
@given(transcripts(speaker=True, channel=True))
def test_roundtrip_keeps_all_but_the_confidences(transcript: Transcript) -> None:
    found = textgrid.read(textgrid.write(transcript), transcript.id)
    levels = ("segments", "words", "tokens")
    sure = {level: tuple(replace(span, confidence=1.0) for span in getattr(transcript, level)) for level in levels}
    assert found == replace(transcript, **sure)


@settings(deadline=None)
@given(transcripts(speaker=True))
def test_intervals_cover_the_recording_without_gaps(transcript: Transcript) -> None:
    content = textgrid.write(replace(transcript, duration=transcript.duration + 0.5))
    numbers = [line.split(" = ") for line in content.splitlines() if line.startswith("            xm")]
    starts = [float(value) for key, value in numbers if key.strip() == "xmin"]
    ends = [float(value) for key, value in numbers if key.strip() == "xmax"]
    last = round(transcript.duration + 0.5, 3)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        assert start < end
        assert start == (0 if index == 0 or ends[index - 1] == last else ends[index - 1])
    assert ends[-1] == last


@given(texts)
def test_any_text_and_any_name_come_back(text: str) -> None:
    transcript = replace(EXAMPLE, words=(Word(text + "x", 0.1, 0.3, 1.0),), speaker=f"s{text}s", segments=(), tokens=())
    (found,) = textgrid.read_all(textgrid.write(transcript), "x")
    assert found.words[0].text == textgrid.plain(text + "x")
    assert found.speaker == textgrid.plain(f"s{text}s")


@pytest.mark.parametrize(
    "transcript", [EXAMPLE, replace(EXAMPLE, channel=1, speaker="mary"), Transcript("x", "", 2.0), Transcript("x", "a", 2.0)]
)
def test_praatio_reads_what_we_write_and_we_what_it_writes(transcript: Transcript, tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    write_transcript(path, transcript)
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=True)
    expected, duration = textgrid.read_tiers(path.read_text(encoding="utf-8"), "x")
    assert grid.maxTimestamp == duration
    assert list(grid.tierNames) == [tier.name for tier in expected]
    for tier in expected:
        entries = grid.getTier(tier.name).entries
        assert [(e.start, e.end, e.label) for e in entries if e.label] == [(s.start, s.end, s.text) for s in tier.spans]
        assert entries[0].start == 0
        assert entries[-1].end == duration
    for form in ("short_textgrid", "long_textgrid"):
        grid.save(str(path), format=form, includeBlankSpaces=True)
        assert read_transcript(path) == textgrid.read(textgrid.write(transcript), "a")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_short_and_long_in_any_encoding(encoding: str, newline: str, tmp_path: Path) -> None:
    path = tmp_path / "a.textgrid"
    path.write_bytes(SHORT.replace("\n", newline).encode(encoding))
    words, phones = (Word("wá", 0.1, 0.3, 1.0), Word('o "x"', 0.7, 1.25, 1.0)), (Token("a", 0.0, 1.25, 1.0),)
    assert read_transcript(path) == Transcript("a", 'wá o "x"', 1.25, (), words, phones, unit="phones")
    path.write_bytes(textgrid.write(EXAMPLE).replace("\n", newline).rstrip().encode(encoding))
    assert read_transcript(path) == replace(EXAMPLE, id="a")


def test_channels_and_speakers_are_tiers_with_names() -> None:
    two = [replace(EXAMPLE, channel=0), replace(EXAMPLE, channel=1, speaker="mary"), replace(EXAMPLE, speaker="mary")]
    content = textgrid.write_all(two)
    for name in ("channel 1 - words", "mary (channel 2) - words", "mary - tokens"):
        assert f'name = "{name}"' in content
    assert textgrid.read_all(content, "x") == two
    with pytest.raises(DataError, match="3 transcripts in one file: x channel 1, x mary channel 2, x mary"):
        textgrid.read(content, "x")
    assert 'name = "words"' in textgrid.write(EXAMPLE)
    assert 'name = "mary 2 - words"' in textgrid.write_all([two[2], two[2]])


def test_tiers_of_other_names() -> None:
    alone = SHORT.replace('"Words"', '"trs"').replace('"phones"', '"gls"')
    first, second = textgrid.read_all(alone, "x")
    assert (first.speaker, first.text, second.speaker, second.text) == ("trs", 'wá o "x"', "gls", "a")
    assert textgrid.read(SHORT.replace("<exists>\n3", "<exists>\n1").replace('"Words"', '"trs"'), "x").speaker == ""


def test_a_grid_that_does_not_begin_at_zero() -> None:
    moved = '"ooTextFile" "TextGrid" 10 12 <exists> 1 "IntervalTier" "a" 10 12 2 10 11 "x" 11 12 ""'
    found = textgrid.read(f"File type = {moved}", "x")
    assert (found.duration, found.segments) == (2.0, (Segment("x", 0.0, 1.0, 1.0),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no TextGrid saved as text"),
        ("ooBinaryFile\x08TextGrid", "no TextGrid saved as text"),
        ('File type = "ooTextFile"\nObject class = "PitchTier"\n', "no TextGrid"),
        (SHORT[: SHORT.index("0.7\n1.25")], "the file ends where a number should be"),
        (SHORT.replace('"wá"', '"wá'), "where"),
        (SHORT.replace("\n4\n", "\n99999999999999\n"), "line 12: 1e.14 is no number of tiers or intervals"),
        (SHORT.replace("\n4\n", "\n4.5\n"), "4.5 is no number of tiers"),
        (SHORT.replace("0.1\n0.3", "0.3\n0.1"), "line 18: an interval ends at 0.1 s, before its start at 0.3 s"),
        (SHORT.replace("TextTier", "PointTier"), "a tier of class 'PointTier'"),
        (SHORT.replace("0.7\n1.25", "0.7\n1e999"), "not finite"),
    ],
)
def test_what_is_no_whole_textgrid_is_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        textgrid.read(content, "x")
    assert caught.value.message.startswith("x")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("unit", "name"), [("phones", "phones"), ("letters", "letters"), ("states", "states"), ("chars", "tokens")]
)
def test_tokens_stand_in_a_tier_named_by_what_they_are(unit, name):
    transcript = Transcript(
        "a", "ab", 1.0, words=(Word("ab", 0.1, 0.5, 1.0),), tokens=(Token("a", 0.1, 0.2, 1.0), Token("b", 0.2, 0.5, 1.0)), unit=unit
    )
    content = textgrid.FORMAT.write(transcript)
    assert f'name = "{name}"' in content
    again = textgrid.FORMAT.read(content, "a")
    assert again.unit == ("" if unit == "chars" else unit)
    assert again.tokens == transcript.tokens
