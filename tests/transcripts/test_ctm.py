"""NIST ctm: fields, order, ids with spaces."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from speechrnn.errors import DataError
from speechrnn.records import Token, Transcript, Word
from speechrnn.transcripts import ctm
from speechrnn.transcripts.nist import decode_channel, decode_id, encode_channel, encode_id, word

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import texts, transcripts


@settings(deadline=None)
@given(transcripts(channel=True))
def test_roundtrip_keeps_id_channel_and_words(transcript: Transcript) -> None:
    content = ctm.write(transcript)
    words = tuple(replace(spoken, text=word(spoken.text)) for spoken in transcript.words)
    expected = Transcript(transcript.id, " ".join(w.text for w in words), 0.0, words=words, channel=transcript.channel)
    assert ctm.read(content, "x") == (expected if words else Transcript("x", "", 0.0))
    assert all(len(line.split()) == 6 for line in content.splitlines() if line != ";;")


@given(texts)
@example("\ud800")
def test_any_id_is_one_field_and_comes_back(identity: str) -> None:
    field = encode_id(identity)
    assert field.split() == [field]
    assert not field.startswith((";", "<"))
    assert field.encode("utf-8")
    # A path is bytes: halves of characters in it are bytes that are no UTF-8; others stand in no path.
    if all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in identity) and identity:
        assert decode_id(field).encode("utf-8", "surrogateescape") == identity.encode("utf-8", "surrogateescape")


def test_channels_by_letter() -> None:
    for channel in (None, 0, 1, 25, 26, 99):
        assert decode_channel(encode_channel(channel)) == channel
    assert decode_channel("2") == 1
    assert decode_channel("b") == 1
    assert decode_channel("left") is None


def test_sorted_by_file_channel_and_time() -> None:
    b = Transcript("b", "x", 2.0, words=(Word("late", 1.0, 1.5, 0.5), Word("beyond", 1.9, 2.4, 1.0)), channel=0)
    a = Transcript("a b", "y", 2.0, tokens=(Token("ʔ", 0.25, 0.5, 1 / 3), Token("<space>", 0.5, 0.6, 1.0)))
    assert ctm.write_all([replace(b, channel=1), b, a]) == (
        "a%20b 1 0.250 0.250 ʔ 0.3333\n"
        "b A 1.000 0.500 late 0.5000\nb A 1.900 0.100 beyond 1.0000\n"
        "b B 1.000 0.500 late 0.5000\nb B 1.900 0.100 beyond 1.0000\n"
    )
    assert [(t.id, t.channel) for t in ctm.read_all(ctm.write_all([b, a]), "x")] == [("a b", None), ("b", 0)]
    with pytest.raises(DataError, match="2 transcripts in one file: a b, b channel 1"):
        ctm.read(ctm.write_all([b, a]), "x")


def test_text_without_word_times_is_refused() -> None:
    with pytest.raises(DataError, match=r"call\.wav: no times of words") as caught:
        ctm.write(Transcript("call.wav", "a b", 3.0))
    assert "stm" in caught.value.remedy
    assert ctm.write(Transcript("call.wav", "", 3.0)) == ";;\n"


def test_what_others_write_is_read() -> None:
    content = ";; a comment\nsw1 A 0.1 0.2 hello\n\nsw1 A 0.5 .25 world NA extra\nsw1\tA\t1 0 end 0.5"
    assert ctm.read(content, "x") == Transcript(
        "sw1",
        "hello world end",
        0.0,
        words=(Word("hello", 0.1, 0.3, 1.0), Word("world", 0.5, 0.75, 1.0), Word("end", 1.0, 1.0, 0.5)),
        channel=0,
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 0.1 0.2\n", "x, line 1: 4 fields"),
        ("a 1 0.1 0.2 w\na 1 x 0.2 w\n", "x, line 2: 'x' is no time"),
        ("a 1 -1 0.2 w\n", "x, line 1: '-1' is no time"),
        ("a 1 1e999 0.2 w\n", "x, line 1: '1e999' is no time"),
    ],
)
def test_lines_that_are_no_ctm_are_named(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        ctm.read(content, "x")
    assert caught.value.remedy
