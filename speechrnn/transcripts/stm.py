"""NIST stm, a segment a line: file, channel, speaker, start (s), end (s), label, text; sorted as sclite wants it.

    call.wav 1 unknown 0.300 0.900 <O> hello

Source: the documentation of sclite (SCTK), file format stm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts.format import Format, only
from speechrnn.transcripts.nist import decode_channel, decode_id, encode_channel, encode_id, fields_of, seconds
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import segments_of, within

LABEL = "<O>"
"""The category "overall": sclite's reports part results by such labels. Written always, so that text may begin with ``<``."""
UNKNOWN = "unknown"
"""The speaker where none is known."""
IGNORED = "ignore_time_segment_in_scoring"
"""Text of a stretch that is not transcribed."""


def write(transcript: Transcript) -> str:
    """A line a segment.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    return write_all([transcript])


def write_all(transcripts: Sequence[Transcript]) -> str:
    """The same for several recordings, channels and speakers."""
    rows = []
    for transcript in transcripts:
        place = encode_id(transcript.id), encode_channel(transcript.channel)
        speaker = encode_id(plain(transcript.speaker)) if plain(transcript.speaker) else UNKNOWN
        for segment in segments_of(transcript):
            start = round(within(segment.start, transcript), 3)
            end = max(round(within(segment.end, transcript), 3), round(start + 0.001, 3))
            if text := plain(segment.text):
                rows.append((*place, start, speaker, end, text))
    rows.sort(key=lambda row: row[:3])
    return "".join(f"{a} {b} {who} {start:.3f} {end:.3f} {LABEL} {text}\n" for a, b, start, who, end, text in rows) or ";;\n"


def read(content: str, identity: str) -> Transcript:
    """The segments of one recording, channel and speaker.

    Raises:
        DataError: a line that is no stm, or several recordings, channels or speakers.
    """
    return only(read_all(content, identity), identity)


def read_all(content: str, identity: str) -> list[Transcript]:
    """A transcript a file, channel and speaker, in the order of the lines; the duration is unknown and therefore 0.

    Stretches that are not to be scored, and those without text, are left out.

    Raises:
        DataError: a line that is no stm.
    """
    found: dict[tuple[str, str, str], list[Segment]] = {}
    for where, fields in fields_of(content, identity, 5, "FILE CHANNEL SPEAKER START END [<LABEL>] TEXT", most=5):
        start, end = seconds(fields[3], where), seconds(fields[4], where)
        if end < start:
            raise DataError(f"{where}: ends at {end:g} s, before its start at {start:g} s", "correct the times")
        text = plain(re.sub(r"^<[^<>]*>(?=\s|$)", "", fields[5] if len(fields) > 5 else "", count=1))
        if text and text.lower() != IGNORED:
            found.setdefault((fields[0], fields[1], fields[2]), []).append(Segment(text, start, end, 1.0))
    return [
        Transcript(
            decode_id(file),
            " ".join(segment.text for segment in segments),
            0.0,
            tuple(segments),
            channel=decode_channel(channel),
            speaker="" if speaker == UNKNOWN else decode_id(speaker),
        )
        for (file, channel, speaker), segments in found.items()
    ]


FORMAT = Format("stm", ".stm", write, read, write_all, read_all, streams=True)
