"""What SubRip and WebVTT files have in common: blocks of a line with two times and the lines of text below it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from speechrnn.errors import DataError

_TIME = r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?=\s|$)")


def timestamp(milliseconds: int, point: str) -> str:
    """Hours, minutes, seconds and thousandths.

    >>> timestamp(3_723_045, ",")
    '01:02:03,045'
    """
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"


def read_cues(content: str, identity: str) -> Iterator[tuple[float, float, list[str]]]:
    """Start and end (s) of each cue with its lines of text, up to the next empty line; what stands between cues is passed over.

    Raises:
        DataError: a line with an arrow but without two times, or an end before its start.
    """
    lines = content.split("\n")
    timed = [(number, line) for number, line in enumerate(lines) if "-->" in line]
    for index, (number, line) in enumerate(timed):
        found = _TIMES.match(line)
        if not found:
            raise DataError(f"{identity}, line {number + 1}: no two times: {line[:80]!r}", "write 00:01:02,345 --> 00:01:04,000")
        start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:])
        if end < start:
            raise DataError(f"{identity}, line {number + 1}: ends before it starts: {line[:80]!r}", "correct the times")
        following = timed[index + 1][0] if index + 1 < len(timed) else len(lines)
        text = []
        for below in lines[number + 1 : following]:
            if not below.strip(" \t"):
                break
            text.append(below)
        else:
            # No empty line before the next cue: its number is no text.
            if following < len(lines) and text and text[-1].strip().isdigit():
                text.pop()
        yield start, end, text


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (part or "0" for part in parts)
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return (1000 * whole + int(thousandths.ljust(3, "0"))) / 1000
