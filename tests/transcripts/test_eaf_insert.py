"""Tiers in someone's own ELAN file: all else stays as it is, to the byte."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript, Word
from speechrnn.transcripts import eaf
from speechrnn.transcripts.eaf_insert import insert, linked_media

sys.path.insert(0, str(Path(__file__).resolve().parent))
from eaf_cases import ELAN, MEDIA_ONLY, check
from transcript_strategies import transcripts

EXAMPLE = Transcript(
    "histoire été.wav",
    "wá <o>",
    3.0,
    (Segment("wá <o>", 0.1, 2.0, 0.5),),
    (Word("wá", 0.1, 0.8, 0.912), Word("<o>", 0.8, 2.0, 0.5)),
)
COUNTER = re.compile(rb'(NAME="lastUsedAnnotationId">)(\d+)')


def taken_out(result: bytes, original: bytes, encoding: str = "utf-8") -> bytes:
    """The result without the lines that the original lacks, and with its counter."""
    counter = COUNTER.search(original.decode(encoding).encode())
    data = result.decode(encoding).encode()
    if counter:
        data = COUNTER.sub(rb"\g<1>" + counter[2], data)
    mine = original.decode(encoding).encode().splitlines(keepends=True)
    kept = []
    for line in data.splitlines(keepends=True):
        if mine and line == mine[0]:
            kept.append(mine.pop(0))
    return b"".join(kept).decode().encode(encoding)


def variants() -> dict[str, bytes]:
    """Files of different hands."""
    bare = re.sub(r'(?s) *<CONSTRAINT [^\n]*\n|    <TIER [^>]*"ft@K".*?</TIER>\n| *<LINGUISTIC_TYPE CONSTRAINTS[^\n]*\n', "", ELAN)
    older = re.sub(r' *<PROPERTY NAME="last.*\n', "", ELAN)
    return {
        "elan": ELAN.encode(),
        "windows": ELAN.replace("\n", "\r\n").encode(),
        "old mac": ELAN.replace("\n", "\r").encode(),
        "byte-order mark": b"\xef\xbb\xbf" + ELAN.encode(),
        "utf-16": ELAN.replace("UTF-8", "UTF-16").encode("utf-16"),
        "tabs": ELAN.replace("    ", "\t").encode(),
        "no indentation": re.sub(r"(?m)^ +", "", ELAN).encode(),
        "no counter": older.encode(),
        "no constraints": bare.encode(),
        "no tiers": re.sub(r"(?s) *<TIER.*</TIER>\n", "", ELAN).encode(),
        "no time slots": re.sub(r"(?s) *<TIER.*</TIER>\n", "", re.sub(r" *<TIME_SLOT .*\n", "", ELAN)).encode(),
        "no last newline": ELAN.rstrip().encode(),
        "comments": ELAN.replace("    <TIER", "    <!-- </TIME_ORDER> <TIER> -->\n    <TIER").encode(),
        "single quotes": ELAN.replace('MIME_TYPE="audio/x-wav"', "MIME_TYPE='audio/>x-wav'").encode(),
    }


@pytest.mark.parametrize("name", variants())
def test_without_the_inserted_lines_the_file_is_what_it_was(name: str, tmp_path: Path) -> None:
    original = variants()[name]
    encoding = "utf-16" if name == "utf-16" else "utf-8"
    result = insert(original, EXAMPLE, "x")
    assert taken_out(result, original, encoding) == original
    check(result, tmp_path / "a.eaf")
    text = result.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    ends = set(re.findall("\r\n|\n|\r", text))
    assert ends == {{"windows": "\r\n", "old mac": "\r"}.get(name, "\n")}
    found = eaf.read(text, "x")
    assert (found.text, found.words) == ("wá <o>", EXAMPLE.words)
    human = [tier.attrib for tier in ElementTree.fromstring(original).iter("TIER")]
    tiers = [tier.attrib for tier in ElementTree.fromstring(result).iter("TIER")]
    assert tiers[: len(human)] == human
    assert [tier["TIER_ID"] for tier in tiers[len(human) :]] == [
        f"hypothesis - {kind}" for kind in ("segments", "words", "confidence")
    ]
    for tag in re.findall(r"(?m)^([ \t]*)<TIER ", text):
        assert tag == {"tabs": "\t", "no indentation": ""}.get(name, "    ")


@settings(deadline=None)
@given(transcripts(speaker=True, channel=True), st.sampled_from(sorted(variants())))
def test_any_transcript_into_any_file(transcript: Transcript, name: str) -> None:
    original = variants()[name]
    encoding = "utf-16" if name == "utf-16" else "utf-8"
    result = insert(original, transcript, "x")
    assert taken_out(result, original, encoding) == original
    with TemporaryDirectory() as folder:
        check(result, Path(folder, "a.eaf"))
    found = eaf.read(result.decode("utf-8-sig" if encoding == "utf-8" else encoding), transcript.id)
    assert found == replace(eaf.read(eaf.write(transcript), transcript.id))


def test_again_and_again_tiers_and_ids_stay_apart(tmp_path: Path) -> None:
    result = ELAN.encode()
    for _ in range(3):
        result = insert(result, EXAMPLE, "x")
    found = check(result, tmp_path / "a.eaf")
    names = list(found.get_tier_names())
    assert names[2::3] == ["hypothesis - segments", "hypothesis 2 - segments", "hypothesis 3 - segments"]
    assert result.count(b'LINGUISTIC_TYPE_ID="speechrnn"') == 1, "types are defined once"
    assert taken_out(result, ELAN.encode()) == ELAN.encode()


def test_time_slots_stand_in_the_order_of_time() -> None:
    text = insert(ELAN.encode(), EXAMPLE, "x").decode()
    slots = re.findall(r'TIME_SLOT_ID="(ts\d+)"(?: TIME_VALUE="(\d+)")?', text)
    assert [value or "-" for _, value in slots] == ["100", "100", "250", "800", "-", *["800"] * 3, "1600", *["2000"] * 2]
    assert [name for name, _ in slots if int(name[2:]) <= 6] == ["ts1", "ts2", "ts3", "ts4", "ts6"], (
        "and those of the file as they did"
    )


def test_a_file_in_which_nothing_is_written_yet(tmp_path: Path) -> None:
    result = insert(MEDIA_ONLY.encode(), EXAMPLE, "x")
    found = check(result, tmp_path / "a.eaf")
    assert sorted(a[:3] for a in found.get_annotation_data_for_tier("hypothesis - words")) == [(100, 800, "wá"), (800, 2000, "<o>")]
    opened = MEDIA_ONLY.replace("<TIME_ORDER/>", "<TIME_ORDER>\n  </TIME_ORDER>").encode()
    assert taken_out(result, opened) == opened
    assert b'    <TIME_SLOT TIME_SLOT_ID="ts1"' in result
    silence = insert(MEDIA_ONLY.encode(), Transcript("x", "", 1.0), "x")
    assert b"<TIME_ORDER/>" in silence


def test_a_file_without_line_breaks_stays_without(tmp_path: Path) -> None:
    flat = re.sub(r"\n *", "", ELAN).encode()
    result = insert(flat, EXAMPLE, "x")
    check(result, tmp_path / "a.eaf")
    assert b"\n" not in result
    rest = iter(result)
    assert all(byte in rest for byte in COUNTER.sub(rb"\g<1>", flat)), "nothing but insertions"


def test_the_encoding_stays_and_what_it_lacks_is_written_as_a_number(tmp_path: Path) -> None:
    original = ELAN.replace("UTF-8", "ISO-8859-1").replace("你好", "").encode("latin-1")
    result = insert(original, replace(EXAMPLE, words=(Word("wɔ́é", 0.1, 0.8, 1.0),)), "x")
    assert "w&#596;&#769;é".encode("latin-1") in result
    check(result, tmp_path / "a.eaf")
    assert taken_out(result, original, "latin-1") == original


def test_types_that_others_named_like_ours_are_left_alone(tmp_path: Path) -> None:
    taken = '<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" LINGUISTIC_TYPE_ID="speechrnn" TIME_ALIGNABLE="false"/>'
    original = ELAN.replace("    <LOCALE", f"    {taken}\n    <LOCALE").encode()
    result = insert(original, EXAMPLE, "x")
    check(result, tmp_path / "a.eaf")
    assert b'LINGUISTIC_TYPE_REF="speechrnn 2"' in result
    assert taken_out(result, original) == original


def test_a_medium_that_begins_before_the_timeline_is_moved() -> None:
    """In ELAN a recording's offset is the place in it where the file's time begins."""
    original = ELAN.replace("<MEDIA_DESCRIPTOR ", '<MEDIA_DESCRIPTOR TIME_ORIGIN="500" ').encode()
    found = eaf.read(insert(original, EXAMPLE, "x").decode(), "x")
    assert [(word.start, word.end) for word in found.words] == [(0.0, 0.3), (0.3, 1.5)]
    other = eaf.read(insert(original, replace(EXAMPLE, id="other.wav"), "x").decode(), "x")
    assert other.words[0].start == 0.1


def test_linked_media_by_name() -> None:
    (forms,) = linked_media(ELAN.encode(), "x")
    assert set(forms) == {"histoire été.wav"}
    (forms,) = linked_media(MEDIA_ONLY.replace("/call.wav", "/my%20call.wav").encode(), "x")
    assert set(forms) == {"my%20call.wav", "my call.wav"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no whole XML"),
        (ELAN.encode()[:1000], "no whole XML"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "its encoding utf-7 is not known"),
        (ELAN.encode("latin-1", "replace"), "is not utf-8"),
        (b"<!DOCTYPE a><a/>", "document type"),
        (b"<ANNOTATION_DOCUMENT><HEADER/></ANNOTATION_DOCUMENT>", "0 TIME_ORDER"),
    ],
)
def test_files_that_cannot_be_read_are_named(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        insert(content, EXAMPLE, "story.eaf")
    assert caught.value.message.startswith("story.eaf")


def test_text_without_times_is_refused() -> None:
    with pytest.raises(DataError, match="text without times"):
        insert(ELAN.encode(), Transcript("x", "a", 0.0), "x")
