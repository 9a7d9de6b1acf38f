"""Subtitles: which words stand together on the screen, in which lines, from when to when.

The limits are those common to broadcasters' guidelines: two lines of 42 characters, 1 to 7 seconds, 17 characters a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speechrnn.records import Segment, Transcript, Word
from speechrnn.text.graphemes import graphemes
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import in_ticks, segments_of, ticks, words_of

LINE = 42
"""Letters in a line, marks not counted."""
SHORTEST_S, LONGEST_S = 1.0, 7.0
"""How long a cue stays."""
PAUSE_S = 0.7
"""A silence that ends a cue."""
PER_SECOND = 17
"""Letters that are read in a second: a cue stays longer than its words where there is room."""
_SENTENCE_ENDS = tuple(".?!…。？！؟।۔።")
_CLAUSE_ENDS = tuple(",;:،؛、，；：–—")
_CLOSING = "\"'»”’)]"


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines of text, from ``start`` to ``end`` (milliseconds, exclusive)."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word (s), or as much of it as fits a line; ``opens``: the first of a segment."""

    text: str
    start: float
    end: float
    opens: bool = False

    @property
    def width(self) -> int:
        return len(graphemes(self.text))


def make_cues(transcript: Transcript) -> list[Cue]:
    """Cues in order, without overlap, inside the recording.

    A cue ends at a pause, at the end of a sentence or segment, and where the next word would not fit; then the longest pause or
    a comma in its second half is the place to part. A cue is shorter than a second only where the recording or the next cue
    leaves no room.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    groups: list[list[_Piece]] = []
    current: list[_Piece] = []
    for piece in _pieces(transcript):
        if current and _parted(current, piece):
            groups.append(current)
            current = []
        while current and not _fits([*current, piece]):
            cut = _best_cut(current, piece)
            groups.append(current[:cut])
            current = current[cut:]
        current.append(piece)
    if current:
        groups.append(current)
    return _timed(groups, transcript.duration)


def _pieces(transcript: Transcript) -> list[_Piece]:
    """The text word by word; the words' own times where they are known, otherwise the segment's, shared out by length."""
    segments = [segment for segment in segments_of(transcript) if plain(segment.text)]
    shown = " ".join(plain(segment.text) for segment in segments).split(" ") if segments else []
    words = [word for word in words_of(transcript) if plain(word.text)]
    pieces: list[_Piece] = []
    if len(shown) == len(words) or not segments:
        texts = shown if segments else [plain(word.text) for word in words]
        borders = sorted(segment.start for segment in segments)[1:]
        for text, word in zip(texts, words, strict=True):
            opens = bool(borders) and word.start >= borders[0]
            while borders and word.start >= borders[0]:
                del borders[0]
            pieces += _cut_to_line(text, word.start, word.end, opens)
    else:
        for segment in segments:
            pieces += _shared_out(segment)
    return sorted(pieces, key=lambda piece: piece.start)


def _shared_out(segment: Segment) -> list[_Piece]:
    """The words of a segment, each with a share of its time in proportion to its letters."""
    texts = plain(segment.text).split(" ")
    widths = [len(graphemes(text)) + 1 for text in texts]
    step = max(segment.end - segment.start, 0.0) / sum(widths)
    pieces, before = [], 0
    for index, (text, width) in enumerate(zip(texts, widths, strict=True)):
        start = segment.start + before * step
        before += width
        pieces += _cut_to_line(text, start, segment.start + before * step, opens=index == 0)
    return pieces


def _cut_to_line(text: str, start: float, end: float, opens: bool) -> list[_Piece]:
    """A word, in parts where it is longer than a line, as in scripts without spaces; letters keep their marks."""
    letters = graphemes(text)
    if len(letters) <= LINE:
        return [_Piece(text, start, end, opens)]
    step = max(end - start, 0.0) / len(letters)
    return [
        _Piece(
            "".join(letters[first : first + LINE]),
            start + first * step,
            start + min(first + LINE, len(letters)) * step,
            opens and first == 0,
        )
        for first in range(0, len(letters), LINE)
    ]


def _parted(current: Sequence[_Piece], piece: _Piece) -> bool:
    """Whether a new cue begins here, as long as the one before can stay for the shortest time."""
    before = current[-1]
    ends = piece.start - before.end >= PAUSE_S or before.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS) or piece.opens
    return ends and piece.start - current[0].start >= SHORTEST_S


def _fits(pieces: Sequence[_Piece]) -> bool:
    return pieces[-1].end - pieces[0].start <= LONGEST_S and _lines(pieces) is not None


def _best_cut(current: Sequence[_Piece], following: _Piece) -> int:
    """How many pieces the cue keeps: parted after its middle, at the longest pause or a comma, as late as possible otherwise."""
    total = sum(piece.width for piece in current)
    best, chosen, before = -1.0, len(current), 0
    for index, piece in enumerate(current):
        before += piece.width
        if 2 * before < total:
            continue
        then = current[index + 1] if index + 1 < len(current) else following
        comma = piece.text.rstrip(_CLOSING).endswith(_CLAUSE_ENDS + _SENTENCE_ENDS)
        worth = max(then.start - piece.end, 0.0) + 0.3 * comma + 0.1 * before / total
        if worth >= best:
            best, chosen = worth, index + 1
    return chosen


def _lines(pieces: Sequence[_Piece]) -> tuple[str, ...] | None:
    """One line, or two of about equal length; ``None`` where the pieces need more."""
    widths = [piece.width for piece in pieces]
    whole = sum(widths) + len(widths) - 1
    if whole <= LINE:
        return (" ".join(piece.text for piece in pieces),)
    if whole > 2 * LINE + 1:
        return None
    best, chosen, first = LINE + 1, 0, -1
    for index in range(1, len(pieces)):
        first += widths[index - 1] + 1
        longer = max(first, whole - first - 1)
        if longer < best:
            best, chosen = longer, index
    if not chosen:
        return None
    return " ".join(piece.text for piece in pieces[:chosen]), " ".join(piece.text for piece in pieces[chosen:])


def _timed(groups: Sequence[Sequence[_Piece]], duration: float) -> list[Cue]:
    """Cues that stay long enough to be read, as far as the next one and the end of the recording allow."""
    spans = [Word(str(index), group[0].start, group[-1].end, 1.0) for index, group in enumerate(groups)]
    timed = in_ticks(spans, duration, 1000)
    last = ticks(duration, 1000) if duration > 0 else None
    cues: list[Cue] = []
    for index, (start, end, span) in enumerate(timed):
        group = groups[int(span.text)]
        lines = _lines(group) or tuple(piece.text for piece in group)
        letters = sum(piece.width for piece in group) + len(group) - 1
        wanted = max(end, start + round(1000 * SHORTEST_S), start + 1000 * letters // PER_SECOND)
        stop = min(wanted, start + round(1000 * LONGEST_S))
        room = timed[index + 1][0] if index + 1 < len(timed) else last
        if room is not None:
            stop = max(min(stop, room), start + 1)
        if stop - start < 1000 * SHORTEST_S:
            start = max(cues[-1].end if cues else 0, stop - round(1000 * SHORTEST_S))
        cues.append(Cue(start, stop, lines))
    return cues
