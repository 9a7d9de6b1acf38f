"""SubRip subtitles: numbered cues, times in milliseconds, text without any way to escape.

Players take ``<i>`` and ``{\\an8}`` for styles, and ``-->`` for a line of times. A word joiner (U+2060, no width) behind ``<``
and ``{`` and within ``-->`` keeps them text; reading takes it out again.
"""

from __future__ import annotations

import re

from speechrnn.records import Segment, Transcript
from speechrnn.transcripts.cue_files import read_cues, timestamp
from speechrnn.transcripts.cues import make_cues
from speechrnn.transcripts.format import Format
from speechrnn.transcripts.plain import plain

_JOINER = "\u2060"
_STYLES = re.compile(r"</?(?:b|i|u|s|font)(?:\s[^<>]*)?/?>|\{\\[^{}]*\}", re.IGNORECASE)


def write(transcript: Transcript) -> str:
    """Cues of one or two lines; the speaker is not kept.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    blocks = []
    for number, cue in enumerate(make_cues(transcript), 1):
        lines = "\n".join(_guarded(line) for line in cue.lines)
        blocks.append(f"{number}\n{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}\n{lines}\n")
    # Without speech an empty line: players and readers take an empty file for a broken one.
    return "\n".join(blocks) or "\n"


def _guarded(text: str) -> str:
    return re.sub(f"--({_JOINER}*)>", rf"--\1{_JOINER}>", re.sub("([<{])", rf"\1{_JOINER}", text))


def _bare(text: str) -> str:
    return re.sub(f"([<{{]){_JOINER}", r"\1", re.sub(f"--({_JOINER}*){_JOINER}>", r"--\1>", text))


def read(content: str, identity: str) -> Transcript:
    """A segment a cue; styles are taken out. The duration is unknown and therefore 0, confidences are 1.

    Raises:
        DataError: times that cannot be read.
    """
    segments = []
    for start, end, lines in read_cues(content, identity):
        text = plain(" ".join(_bare(_STYLES.sub("", line)) for line in lines))
        if text:
            segments.append(Segment(text, start, end, 1.0))
    return Transcript(identity, " ".join(segment.text for segment in segments), 0.0, tuple(segments))


FORMAT = Format("srt", ".srt", write, read)
