"""NIST ctm, a word a line: file, channel, start (s), duration (s), word, confidence; sorted as sclite wants it.

    call.wav 1 0.300 0.600 hello 0.9700

Source: the documentation of sclite (SCTK), file format ctm.
"""

from __future__ import annotations

from collections.abc import Sequence

from speechrnn.errors import DataError
from speechrnn.records import Transcript, Word
from speechrnn.transcripts.format import Format, only
from speechrnn.transcripts.nist import decode_channel, decode_id, encode_channel, encode_id, fields_of, seconds, word
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import within, words_of


def write(transcript: Transcript) -> str:
    """A line a word; of a model of phones a line a phone.

    Raises:
        DataError: text, but no word or token with a time.
    """
    return write_all([transcript])


def write_all(transcripts: Sequence[Transcript]) -> str:
    """The same for several recordings and channels."""
    rows = []
    for transcript in transcripts:
        words = words_of(transcript)
        if not words and plain(transcript.text):
            raise DataError(f"{transcript.id}: no times of words, which ctm needs", "choose -f stm, which needs those of segments")
        place = encode_id(transcript.id), encode_channel(transcript.channel)
        for spoken in words:
            start = round(within(spoken.start, transcript), 3)
            length = max(round(within(spoken.end, transcript) - start, 3), 0.0)
            if text := word(spoken.text):
                rows.append((*place, start, length, text, spoken.confidence))
    rows.sort(key=lambda row: row[:3])
    # Without speech a comment: sclite takes an empty file for a missing one.
    return "".join(f"{a} {b} {start:.3f} {length:.3f} {text} {sure:.4f}\n" for a, b, start, length, text, sure in rows) or ";;\n"


def read(content: str, identity: str) -> Transcript:
    """The words of one recording and channel.

    Raises:
        DataError: a line that is no ctm, or several recordings or channels.
    """
    return only(read_all(content, identity), identity)


def read_all(content: str, identity: str) -> list[Transcript]:
    """A transcript a file and channel, in the order of the lines; the duration is unknown and therefore 0.

    Raises:
        DataError: a line that is no ctm.
    """
    found: dict[tuple[str, str], list[Word]] = {}
    for where, fields in fields_of(content, identity, 5, "FILE CHANNEL START DURATION WORD [CONFIDENCE]"):
        start = seconds(fields[2], where)
        end = round(start + seconds(fields[3], where), 6)
        confidence = 1.0 if len(fields) < 6 or fields[5].upper() == "NA" else seconds(fields[5], where)
        found.setdefault((fields[0], fields[1]), []).append(Word(fields[4], start, end, confidence))
    return [
        Transcript(decode_id(file), " ".join(word.text for word in words), 0.0, words=tuple(words), channel=decode_channel(channel))
        for (file, channel), words in found.items()
    ]


FORMAT = Format("ctm", ".ctm", write, read, write_all, read_all, streams=True)
