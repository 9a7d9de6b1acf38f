"""WebVTT subtitles, as browsers show them: cues in milliseconds, ``&``, ``<`` and ``>`` escaped, the speaker as a voice.

Source: W3C, WebVTT: The Web Video Text Tracks Format.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts.cue_files import read_cues, timestamp
from speechrnn.transcripts.cues import make_cues
from speechrnn.transcripts.format import Format
from speechrnn.transcripts.plain import plain

_TAG = re.compile(r"<[^<>]*>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]*)>")


def write(transcript: Transcript) -> str:
    """Cues of one or two lines.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    speaker = plain(transcript.speaker)
    voice = f"<v {html.escape(speaker, quote=False)}>" if speaker else ""
    blocks = ["WEBVTT\n"]
    for cue in make_cues(transcript):
        lines = "\n".join(html.escape(line, quote=False) for line in cue.lines)
        blocks.append(f"{timestamp(cue.start, '.')} --> {timestamp(cue.end, '.')}\n{voice}{lines}\n")
    return "\n".join(blocks)


def read(content: str, identity: str) -> Transcript:
    """A segment a cue; tags are taken out. A voice that all cues share is the speaker. The duration is 0, confidences are 1.

    Raises:
        DataError: no WebVTT, or times that cannot be read.
    """
    if not re.match(r"WEBVTT(?=\s|$)", content):
        raise DataError(f"{identity}: no WebVTT: the first line does not begin with WEBVTT", "give a .vtt file")
    segments = []
    voices: Counter[str] = Counter()
    for start, end, lines in read_cues(content, identity):
        joined = " ".join(lines)
        text = plain(html.unescape(_TAG.sub("", joined)))
        if text:
            segments.append(Segment(text, start, end, 1.0))
            voice = _VOICE.match(joined)
            voices[plain(html.unescape(voice[1])) if voice else ""] += 1
    speaker = next(iter(voices)) if len(voices) == 1 else ""
    return Transcript(identity, " ".join(segment.text for segment in segments), 0.0, tuple(segments), speaker=speaker)


FORMAT = Format("vtt", ".vtt", write, read)
