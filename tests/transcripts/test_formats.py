"""What every format promises, and what each one keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError, UsageError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts import files, json_record
from speechrnn.transcripts.files import read_transcript, read_transcripts, write_transcript, write_transcripts
from speechrnn.transcripts.registry import FORMATS, choose

EXAMPLE = Transcript(
    id="folder/call (été).wav",
    text="wá o",
    duration=1.25,
    segments=(Segment("wá o", 0.1, 1.0, 0.5),),
    words=(Word("wá", 0.1, 0.3, 0.9), Word("o", 0.7, 1.0, 1.0)),
    tokens=(Token("w", 0.1, 0.2, 1 / 3), Token("á", 0.2, 0.3, 0.9), Token("<space>", 0.3, 0.7, 0.5), Token("o", 0.7, 1.0, 1.0)),
    language="mdw",
    channel=0,
    speaker="kouarata",
    model="small@1f3a",
    alternatives=("wá", "wa o"),
)
times = st.floats(allow_nan=False, allow_infinity=False)
# Bytes of a file name that are no UTF-8 reach Python as U+DC80 to U+DCFF.
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.integers(0xDC80, 0xDCFF).map(chr))


def spans(kind: type) -> st.SearchStrategy[tuple]:
    return st.lists(st.builds(kind, texts, times, times, times), max_size=3).map(tuple)


@settings(deadline=None)
@given(
    st.builds(
        Transcript,
        id=texts,
        text=texts,
        duration=times,
        segments=spans(Segment),
        words=spans(Word),
        tokens=spans(Token),
        language=texts,
        channel=st.none() | st.integers(),
        speaker=texts,
        model=texts,
        alternatives=st.lists(texts, max_size=3).map(tuple),
    )
)
def test_json_gives_back_every_transcript_exactly(transcript: Transcript) -> None:
    for content in (json_record.write(transcript), json_record.write_line(transcript)):
        assert json_record.read(content.encode("utf-8").decode("utf-8"), "x") == transcript
    assert json_record.write_line(transcript).count("\n") == 1


def test_json_as_documented() -> None:
    record = json.loads(json_record.write(EXAMPLE))
    assert record["version"] == 1
    assert record["words"][0] == {"text": "wá", "start": 0.1, "end": 0.3, "confidence": 0.9}
    assert "wá" in json_record.write(EXAMPLE), "letters are not escaped"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_and_reads_its_text(name: str, tmp_path: Path) -> None:
    chosen = FORMATS[name]
    path = tmp_path / f"été (1){chosen.suffix}"
    write_transcript(path, EXAMPLE)
    assert path.read_bytes().endswith(b"\n")
    assert read_transcript(path).text == EXAMPLE.text
    assert read_transcript(path, chosen).text == EXAMPLE.text
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "nothing else is left behind"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_as_editors_save_it(name: str, encoding: str, tmp_path: Path) -> None:
    """With a byte-order mark or without, with any line ends, without the last one."""
    chosen = FORMATS[name]
    path = tmp_path / f"x{chosen.suffix.upper()}"
    content = chosen.write(EXAMPLE)
    for newline in ("\n", "\r\n"):
        path.write_bytes(content.rstrip("\n").replace("\n", newline).encode(encoding))
        assert read_transcript(path) == chosen.read(content, "x")


@pytest.mark.parametrize("name", FORMATS)
def test_no_speech_is_a_file_that_is_read_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{FORMATS[name].suffix}"
    write_transcript(path, Transcript("x", "", 2.0))
    assert path.read_bytes().endswith(b"\n")
    found = read_transcript(path)
    assert (found.text, found.words, found.segments) == ("", (), ())


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("txt", "json")])
def test_what_is_no_text_never_reaches_a_file(name: str) -> None:
    """Control characters, halves of characters, what XML forbids."""
    bad = "a\x00\x1b[2J\ud800\ufffe\x85b"
    words = (Word(bad, 0.1, 0.9, 0.5),)
    content = FORMATS[name].write(Transcript("x", bad, 1.0, (Segment(bad, 0.1, 0.9, 0.5),), words, speaker=bad))
    content.encode("utf-8")
    assert not set(content) & set("\x00\x1b\ufffe\x85")


@pytest.mark.parametrize("name", [name for name, chosen in FORMATS.items() if chosen.write_all])
def test_several_transcripts_in_one_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{FORMATS[name].suffix}"
    two = [replace(EXAMPLE, channel=0, speaker=""), replace(EXAMPLE, channel=1, speaker="")]
    write_transcripts(path, two)
    assert [(found.channel, found.text) for found in read_transcripts(path)] == [(0, "wá o"), (1, "wá o")]
    with pytest.raises(DataError, match="2 transcripts in one file") as caught:
        read_transcript(path)
    assert caught.value.message.startswith(f"{path}: ")


def test_formats_of_one_transcript_say_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="srt holds one transcript a file") as caught:
        write_transcripts(tmp_path / "a.srt", [EXAMPLE, EXAMPLE])
    assert "TextGrid" in caught.value.remedy
    write_transcript(tmp_path / "a.srt", EXAMPLE)
    assert [found.text for found in read_transcripts(tmp_path / "a.srt")] == ["wá o"]


@pytest.mark.parametrize("name", FORMATS)
def test_huge_and_binary_files_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"x{FORMATS[name].suffix}"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00" * 50)
    with pytest.raises(DataError, match="is not utf-8"):
        read_transcript(path)
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="550 bytes, too large"):
        read_transcript(path)


def test_json_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 1_000_000)
    with pytest.raises(DataError, match="nested too deep"):
        read_transcript(tmp_path / "a.json")


def test_txt_is_the_text_and_its_id_is_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.b.txt"
    write_transcript(path, EXAMPLE)
    assert path.read_text(encoding="utf-8") == "wá o\n"
    assert read_transcript(path) == Transcript("a.b", "wá o", 0.0)


def test_transcripts_in_utf_16_with_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("wá\r\n".encode("utf-16"))
    assert read_transcript(tmp_path / "a.txt").text == "wá"
    (tmp_path / "b.txt").write_bytes(b"\xe9t\xe9\n")
    with pytest.raises(DataError, match="byte 0 is not utf-8"):
        read_transcript(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": "a", "text": "", "duration": 1}', "version None is not known"),
        ('{"version": 2, "id": "a"}', "newer release"),
        ('{"version": 1, "id": "a", "text": ""}', "duration missing"),
        ('{"version": 1, "id": "a", "text": 3, "duration": 1}', "text is 3"),
        ('{"version": 1, "id": "a", "text": "", "duration": NaN}', "duration is nan"),
        ('{"version": 1, "id": "a", "text": "", "duration": true}', "duration is True"),
        ('{"version": 1, "id": "a", "text": "", "duration": 1, "wrods": []}', "unknown key 'wrods'"),
        ('{"version": 1, "id": "a", "text": "", "duration": 1, "words": [3]}', r"words\[0\]: 3 is not an object"),
        (
            '{"version": 1, "id": "a", "text": "", "duration": 1, "words": [{"text": "a"}]}',
            r"words\[0\]: confidence, end, start missing",
        ),
        ('{"version": 1, "id": "a", "text": "", "duration": 1, "alternatives": [1]}', "not a list of texts"),
    ],
)
def test_json_that_is_no_transcript_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_transcript(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_choosing_formats() -> None:
    assert [chosen.name for chosen in choose("all")] == list(FORMATS)
    assert [chosen.name for chosen in choose("json, json")] == ["json"]
    assert [chosen.name for chosen in choose("textgrid,SRT")] == ["TextGrid", "srt"], "nobody has to remember capitals"
    with pytest.raises(UsageError) as caught:
        choose("jsn")
    assert caught.value.remedy == "did you mean 'json'?"
    with pytest.raises(UsageError, match=r"ending '\.wav'"):
        write_transcript("a.wav", EXAMPLE)


def test_each_format_is_registered_under_its_name_with_an_ending_of_its_own() -> None:
    assert all(chosen.name == name for name, chosen in FORMATS.items())
    assert len({chosen.suffix for chosen in FORMATS.values()}) == len(FORMATS)
