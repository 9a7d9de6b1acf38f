"""What a transcript offers to formats that hold times, and how its times become whole ticks in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.text.tokenizer import SPACE
from speechrnn.transcripts.plain import plain

Span = TypeVar("Span", Segment, Word, Token)


def tokens_of(transcript: Transcript) -> tuple[Token, ...]:
    """The tokens that are spoken: word boundaries take no time of their own."""
    return tuple(token for token in transcript.tokens if token.text != SPACE)


def words_of(transcript: Transcript) -> tuple[Word, ...]:
    """The words, or, of a model of phones or letters, its tokens in their place."""
    return transcript.words or tuple(Word(t.text, t.start, t.end, t.confidence) for t in tokens_of(transcript))


def segments_of(transcript: Transcript) -> tuple[Segment, ...]:
    """The segments, or one from the first word to the last, or one over the whole recording.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    if transcript.segments or not plain(transcript.text):
        return transcript.segments
    words = words_of(transcript)
    if words:
        start, end = min(word.start for word in words), max(word.end for word in words)
        return (Segment(transcript.text, start, end, min(word.confidence for word in words)),)
    if transcript.duration > 0:
        return (Segment(transcript.text, 0.0, transcript.duration, 1.0),)
    raise DataError(f"{transcript.id}: text without times", "choose -f txt or json, which need none")


def in_ticks(spans: Sequence[Span], duration: float, per_second: int) -> list[tuple[int, int, Span]]:
    """Spans as whole ticks: in order, at least one tick long, without overlap, inside the recording.

    Of two spans that overlap the earlier one ends where the later one starts. Only where there are more spans than ticks do
    they go beyond the end of the recording.

    Args:
        spans: in any order.
        duration: of the recording (s); 0 where it is not known.
        per_second: ticks in a second.

    Returns:
        (start, end, span), ends exclusive.

    >>> [(start, end) for start, end, _ in in_ticks([Word("a", 0, 0.7, 1), Word("b", 0.5, 0.5, 1)], 0.5, 1000)]
    [(0, 499), (499, 500)]
    """
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    starts: list[int] = []
    for span in ordered:
        starts.append(max(round(span.start * per_second), starts[-1] + 1 if starts else 0))
    last = max(ticks(duration, per_second), len(ordered)) if duration > 0 else None
    if last is not None:
        for index in range(len(starts) - 1, -1, -1):
            starts[index] = min(starts[index], last - (len(starts) - index))
    found = []
    for index, (start, span) in enumerate(zip(starts, ordered, strict=True)):
        end = max(round(span.end * per_second), start + 1)
        following = starts[index + 1] if index + 1 < len(starts) else last
        found.append((start, end if following is None else min(end, following), span))
    return found


def ticks(seconds: float, per_second: int) -> int:
    """Whole ticks in a time, an error of rounding forgiven.

    >>> ticks(0.29, 1000), ticks(1.9999, 1000)
    (290, 1999)
    """
    return math.floor(round(seconds * per_second, 3))


def within(seconds: float, transcript: Transcript) -> float:
    """A time (s) inside the recording, where its duration is known."""
    return max(0.0, min(seconds, transcript.duration)) if transcript.duration > 0 else max(0.0, seconds)
