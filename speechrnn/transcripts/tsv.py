"""A table with tabs for spreadsheets, R and pandas: segments, words and tokens, a line each, times in seconds.

    start	end	level	speaker	channel	confidence	text
    0.300	0.900	word			0.9700	hello

Quoted as spreadsheets do: a cell with ``"`` stands in quotes, each of its own doubled.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts.format import Format, only
from speechrnn.transcripts.nist import seconds
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import segments_of, tokens_of, within

COLUMNS = ("start", "end", "level", "speaker", "channel", "confidence", "text")
_KINDS: dict[str, type[Segment] | type[Word] | type[Token]] = {"segment": Segment, "word": Word, "token": Token}
_STARTS = "=+-@＝＋－＠"
"""A spreadsheet takes a cell that begins so for a formula."""
_HARMLESS = " _-.:~="
"""No formula calls or fetches anything with these, letters and digits alone."""


def write(transcript: Transcript) -> str:
    """Segments first, then words, then tokens; word boundaries among the tokens are left out.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    return write_all([transcript])


def write_all(transcripts: Sequence[Transcript]) -> str:
    """The same for several channels and speakers of a recording, one after the other."""
    table = io.StringIO(newline="")
    rows = csv.writer(table, dialect="excel-tab", lineterminator="\n")
    rows.writerow(COLUMNS)
    for transcript in transcripts:
        channel = "" if transcript.channel is None else str(transcript.channel + 1)
        levels: dict[str, Iterable[Segment | Word | Token]] = {
            "segment": segments_of(transcript),
            "word": transcript.words,
            "token": tokens_of(transcript),
        }
        for level, spans in levels.items():
            for span in spans:
                start, end = within(span.start, transcript), within(span.end, transcript)
                cells = _guarded(plain(transcript.speaker)), channel, f"{span.confidence:.4f}", _guarded(plain(span.text))
                rows.writerow((f"{start:.3f}", f"{max(start, end):.3f}", level, *cells))
    return table.getvalue()


def could_be_formula(text: str) -> bool:
    """Whether a spreadsheet could take a cell for a formula that does something.

    Affixes and X-SAMPA, such as ``-ed``, ``=``, ``@U``, hold letters only; a formula that calls or fetches has a bracket, a quote
    or another sign.

    >>> could_be_formula("=HYPERLINK(A1)"), could_be_formula("-ed"), could_be_formula("@U")
    (True, False, False)
    """
    return text[:1] in _STARTS and any(
        unicodedata.category(character)[0] not in "LMN" and character not in _HARMLESS for character in text[1:]
    )


def _guarded(text: str) -> str:
    """An apostrophe before what could be a formula (and before one that an apostrophe stands before already)."""
    return f"'{text}" if text and could_be_formula(text.lstrip("'")) else text


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and could_be_formula(cell.lstrip("'")) else cell


def read(content: str, identity: str) -> Transcript:
    """The rows of one channel and speaker.

    Raises:
        DataError: no such table, or several channels or speakers.
    """
    return only(read_all(content, identity), identity)


def read_all(content: str, identity: str) -> list[Transcript]:
    """A transcript a channel and speaker, in the order of the rows; the duration is unknown and therefore 0.

    Columns are found by the header, in any order; ``start``, ``end`` and ``text`` are needed, and rows without a level are
    segments.

    Raises:
        DataError: a column is missing, a cell is no number, an unknown level.
    """
    rows = csv.DictReader(io.StringIO(content, newline=""), dialect="excel-tab", restval="")
    found: dict[tuple[str, str], dict[str, list[Segment | Word | Token]]] = {}
    try:
        missing = [name for name in ("start", "end", "text") if name not in (rows.fieldnames or ())]
        if missing:
            raise DataError(f"{identity}: no column {' and '.join(missing)} in the first line", f"begin with {' '.join(COLUMNS)}")
        for row in rows:
            where = f"{identity}, line {rows.line_num}"
            level = row.get("level") or "segment"
            if level not in _KINDS:
                raise DataError(f"{where}: level {level[:40]!r} is not known", f"write {', '.join(_KINDS)}")
            start, end = seconds(row["start"], where), seconds(row["end"], where)
            if end < start:
                raise DataError(f"{where}: ends at {end:g} s, before its start at {start:g} s", "correct the times")
            confidence = seconds(row.get("confidence") or "1", where)
            key = _bare(row.get("speaker") or ""), row.get("channel") or ""
            spans = found.setdefault(key, {name: [] for name in _KINDS})[level]
            spans.append(_KINDS[level](plain(_bare(row["text"])), start, end, confidence))
    except csv.Error as error:
        raise DataError(f"{identity}, line {rows.line_num}: {error}", "give a table with tabs between its columns") from None
    return [_transcript(identity, speaker, channel, spans) for (speaker, channel), spans in found.items()]


def _transcript(identity: str, speaker: str, channel: str, spans: dict[str, list[Segment | Word | Token]]) -> Transcript:
    if channel and not re.fullmatch(r"[1-9][0-9]{0,3}", channel):
        raise DataError(f"{identity}: channel {channel[:40]!r} is no number from 1", "write 1, 2, …, or leave the cell empty")
    text = " ".join(span.text for span in spans["segment"] or spans["word"] or spans["token"])
    return Transcript(
        identity,
        text,
        0.0,
        tuple(span for span in spans["segment"] if isinstance(span, Segment)),
        tuple(span for span in spans["word"] if isinstance(span, Word)),
        tuple(span for span in spans["token"] if isinstance(span, Token)),
        channel=int(channel) - 1 if channel else None,
        speaker=speaker,
    )


FORMAT = Format("tsv", ".tsv", write, read, write_all, read_all)
