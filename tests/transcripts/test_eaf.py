"""New ELAN files, and reading them and those of others; pympi-ling reads what we write."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts import eaf
from speechrnn.transcripts.files import read_transcript, write_transcript
from speechrnn.transcripts.plain import plain

sys.path.insert(0, str(Path(__file__).resolve().parent))
from eaf_cases import ELAN, MEDIA_ONLY, check
from transcript_strategies import texts, transcripts

EXAMPLE = Transcript(
    "x",
    "wá o",
    1.25,
    (Segment("wá o", 0.1, 1.0, 1.0),),
    (Word("wá", 0.1, 0.3, 0.912), Word("o", 0.7, 1.0, 0.5)),
    channel=1,
    speaker="mary",
)


@settings(deadline=None)
@given(transcripts(speaker=True, channel=True))
def test_roundtrip_keeps_segments_words_and_their_confidences(transcript: Transcript) -> None:
    content = eaf.write(transcript)
    found = eaf.read(content, transcript.id)
    segments = tuple(replace(segment, confidence=1.0) for segment in transcript.segments)
    assert found == replace(transcript, duration=0.0, segments=segments, tokens=())
    with TemporaryDirectory() as folder:
        check(content.encode("utf-8"), Path(folder, "a.eaf"))


@settings(deadline=None)
@given(texts)
def test_any_text_and_any_speaker_come_back(text: str) -> None:
    words = (Word(text + "x", 0.1, 0.3, 1.0),)
    found = eaf.read(eaf.write(Transcript(text, "", 1.0, words=words, speaker=f"s{text}s")), "x")
    assert (found.words[0].text, found.speaker) == (plain(text + "x"), plain(f"s{text}s"))


def test_pympi_ling_finds_tiers_times_and_media(tmp_path: Path) -> None:
    found = check(eaf.write(replace(EXAMPLE, id="day 1/été & o.wav")).encode("utf-8"), tmp_path / "a.eaf")
    assert list(found.get_tier_names()) == [f"mary (channel 2) - {kind}" for kind in ("segments", "words", "confidence")]
    assert sorted(a[:3] for a in found.get_annotation_data_for_tier("mary (channel 2) - words")) == [
        (100, 300, "wá"),
        (700, 1000, "o"),
    ]
    sure = found.get_ref_annotation_data_for_tier("mary (channel 2) - confidence")
    assert sorted(entry[:4] for entry in sure) == [(100, 300, "0.912", "wá"), (700, 1000, "0.5", "o")]
    (media,) = found.get_linked_files()
    assert media["MEDIA_URL"] == f"file://{Path.cwd()}/day 1/été & o.wav"
    assert media["MIME_TYPE"] == "audio/x-wav"


def test_the_recording_is_found_from_where_the_file_stands(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for sound, relative in (("a.wav", "../a.wav"), ("texts/a  (2).FLAC", "./a  (2).FLAC"), ("s/a.mp3", "../s/a.mp3")):
        write_transcript(tmp_path / "texts/a.eaf", replace(EXAMPLE, id=str(tmp_path / sound)))
        media = ElementTree.parse(tmp_path / "texts/a.eaf").getroot().find("HEADER/MEDIA_DESCRIPTOR")
        assert media is not None
        assert media.attrib["RELATIVE_MEDIA_URL"] == relative
        assert (tmp_path / "texts" / relative).resolve() == (tmp_path / sound).resolve()
        assert media.attrib["MEDIA_URL"] == f"file://{tmp_path / sound}"
    assert "MEDIA_DESCRIPTOR" not in eaf.write(replace(EXAMPLE, id="utterance-7")), "an id that is no file links none"
    assert "\ufffd" in eaf.write(replace(EXAMPLE, id=os.fsdecode(b"caf\xe9.wav")))


def test_the_same_transcript_gives_the_same_file() -> None:
    assert eaf.write(EXAMPLE) == eaf.write(EXAMPLE)


def test_phones_stand_in_for_words_and_silence_is_an_empty_tier(tmp_path: Path) -> None:
    phones = Transcript("x", "a ʔ", 1.0, tokens=(Token("a", 0.1, 0.2, 0.5), Token("ʔ", 0.3, 0.4, 0.25)))
    found = check(eaf.write(phones).encode("utf-8"), tmp_path / "a.eaf")
    assert list(found.get_tier_names()) == ["segments", "tokens", "confidence"]
    assert eaf.read(eaf.write(phones), "x") == replace(phones, duration=0.0, segments=(Segment("a ʔ", 0.1, 0.4, 1.0),))
    silence = check(eaf.write(Transcript("x", "", 1.0)).encode("utf-8"), tmp_path / "b.eaf")
    assert list(silence.get_tier_names()) == ["segments", "confidence"]
    assert eaf.read(eaf.write(Transcript("x", "", 1.0)), "x") == Transcript("x", "", 0.0)


def test_channels_and_speakers_share_a_file(tmp_path: Path) -> None:
    both = [replace(EXAMPLE, channel=number, duration=0.0) for number in (0, 1)]
    content = eaf.write_all(both)
    check(content.encode("utf-8"), tmp_path / "a.eaf")
    assert eaf.read_all(content, "x") == both


def test_files_of_elan_are_read_tier_by_tier() -> None:
    found = eaf.read(ELAN, "x")
    assert found == Transcript("x", 'wá <&> "o" 你好', 0.0, (Segment('wá <&> "o" 你好', 0.25, 0.8, 1.0),), speaker="Kouarata")
    assert eaf.read(MEDIA_ONLY, "x") == Transcript("x", "", 0.0)
    moved = ELAN.replace('TIME_SLOT_REF2="ts2"', 'TIME_SLOT_REF2="ts3"').replace('"ts4" TIME_VALUE="800"', '"ts4" TIME_VALUE="900"')
    assert eaf.read(moved, "x").segments[0].end == 0.85, "a slot without time lies between its neighbours"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_in_any_unicode_encoding_with_any_line_ends(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "x.eaf"
    for newline in ("\n", "\r\n", ""):
        path.write_bytes(ELAN.replace("\n", newline).encode(encoding))
        assert read_transcript(path) == eaf.read(ELAN, "x")


LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no whole XML: no element found"),
        ("hello", "line 1: no whole XML"),
        (ELAN[:2000], "no whole XML"),
        (ELAN.replace("</HEADER>", ""), "no whole XML: mismatched tag"),
        ("<html/>", "its root is html, not ANNOTATION_DOCUMENT"),
        ("<ANNOTATION_DOCUMENT><HEADER/></ANNOTATION_DOCUMENT>", "0 TIME_ORDER, not one"),
        ("<ANNOTATION_DOCUMENT><TIME_ORDER/></ANNOTATION_DOCUMENT>", "0 HEADER, not one"),
        (f"{LAUGHS}]><ANNOTATION_DOCUMENT>&i;</ANNOTATION_DOCUMENT>", "a document type or an entity"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><ANNOTATION_DOCUMENT/>', "a document type or an entity"),
        ("<a>" * 100_000, "elements 12 deep"),
        (ELAN.replace("milliseconds", "PAL-frames"), "times in PAL-frames"),
        (ELAN.replace('TIME_VALUE="250"', 'TIME_VALUE="0:25"'), "time slot ts1: '0:25' is no time"),
        (ELAN.replace('"ts6"', '"ts4"'), "time slot 'ts4' twice"),
        (ELAN.replace('TIME_SLOT_REF2="ts2"', 'TIME_SLOT_REF2="ts99"'), "annotation a1: no time slot 'ts99'"),
    ],
)
def test_what_is_no_whole_elan_file_is_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        eaf.read(content, "x")
    assert caught.value.message.startswith("x")
    assert caught.value.remedy
