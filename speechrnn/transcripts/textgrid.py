"""Praat's TextGrid: interval tiers that cover the whole recording, empty where nothing is said; times to a microsecond.

Reading follows Praat's own way: of all the text only free-standing numbers, texts in quotes and flags such as ``<exists>``
count, so that the long and the short format are one. Source: the Praat manual, "TextGrid file formats".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts.format import Format, only
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.tiers import Tier, gather, groups_of
from speechrnn.transcripts.timing import in_ticks, ticks

PER_SECOND = 1_000_000
_ITEM = re.compile(r'"[^"]*(?:""[^"]*)*"|<\w+>|![^\n]*|[^\s"<!]+|[<!"]')
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_REMEDY = "save it anew in Praat as a text file"


def write(transcript: Transcript) -> str:
    """Tiers of segments, words and tokens, as far as the transcript has them; confidences are not kept.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    return write_all([transcript])


def write_all(transcripts: Sequence[Transcript]) -> str:
    """The same for several channels and speakers of a recording, their names before those of the tiers."""
    groups = groups_of(transcripts)
    tiers = []
    for group in groups:
        for level, spans in (group.levels or {"segments": ()}).items():
            said = [span for span in spans if plain(span.text)]
            tiers.append((group.tier(level), in_ticks(said, group.transcript.duration, PER_SECOND)))
    longest = max((ticks(transcript.duration, PER_SECOND) for transcript in transcripts), default=0)
    # Praat refuses a grid without time.
    last = max([longest, 1, *(end for _, placed in tiers for _, end, _ in placed)])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_decimal(last)}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, placed) in enumerate(tiers, 1):
        intervals = list(_covered(placed, last))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(plain(name))}"]
        lines += ["        xmin = 0", f"        xmax = {_decimal(last)}", f"        intervals: size = {len(intervals)}"]
        for index, (start, end, text) in enumerate(intervals, 1):
            lines += [f"        intervals [{index}]:", f"            xmin = {_decimal(start)}"]
            lines += [f"            xmax = {_decimal(end)}", f"            text = {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def _covered(spans: Sequence[tuple[int, int, Segment]], last: int) -> Iterator[tuple[int, int, str]]:
    """Intervals from 0 to ``last``, with empty ones between the spans."""
    before = 0
    for start, end, span in spans:
        if start > before:
            yield before, start, ""
        yield start, end, plain(span.text)
        before = end
    if before < last:
        yield before, last, ""


def _decimal(value: int) -> str:
    whole, rest = divmod(value, PER_SECOND)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def read(content: str, identity: str) -> Transcript:
    """The tiers of one channel and speaker, named as in :mod:`speechrnn.transcripts.tiers`.

    Raises:
        DataError: no TextGrid, cut short, or tiers of several channels or speakers.
    """
    return only(read_all(content, identity), identity)


def read_all(content: str, identity: str) -> list[Transcript]:
    """A transcript a channel and speaker; empty intervals and tiers of points are left out, confidences are 1.

    Raises:
        DataError: no TextGrid, or one that is cut short.
    """
    tiers, duration = read_tiers(content, identity)
    return gather(tiers, identity, duration)


def read_tiers(content: str, identity: str) -> tuple[list[Tier], float]:
    """All interval tiers with what is written in them, times counted from the start of the grid, and its duration (s).

    Raises:
        DataError: no TextGrid, or one that is cut short.
    """
    items = _Items(content, identity)
    if not content.startswith("File type"):
        raise DataError(f"{identity}: no TextGrid saved as text", _REMEDY)
    items.text()
    if items.text() != "TextGrid":
        raise DataError(f"{identity}: a Praat file, but no TextGrid", "give a TextGrid")
    begin, end = items.number(), items.number()
    tiers = []
    for _ in range(items.count() if items.flag() == "<exists>" else 0):
        kind, name = items.text(), items.text()
        items.number()
        items.number()
        spans = []
        for _ in range(items.count()):
            start = items.number()
            stop = items.number() if kind == "IntervalTier" else start
            text = plain(items.text())
            if stop < start:
                raise DataError(
                    f"{items.where}: an interval ends at {stop:g} s, before its start at {start:g} s", "correct it in Praat"
                )
            if text:
                spans.append(Segment(text, max(start - begin, 0.0), max(stop - begin, 0.0), 1.0))
        if kind == "IntervalTier":
            tiers.append(Tier(plain(name), tuple(spans)))
        elif kind != "TextTier":
            raise DataError(f"{items.where}: a tier of class {kind[:40]!r}", "give a TextGrid of IntervalTiers and TextTiers")
    return tiers, max(end - begin, 0.0)


class _Items:
    """What counts in a Praat text file, one after the other."""

    def __init__(self, content: str, identity: str) -> None:
        self._content = content
        self._identity = identity
        self._found = _ITEM.finditer(content)
        self._place = 0

    @property
    def where(self) -> str:
        """The file and the line of the item read last."""
        return f"{self._identity}, line {self._content.count(chr(10), 0, self._place) + 1}"

    def text(self) -> str:
        """The next text in quotes, without them."""
        return self._next('"', "a text in quotes")[1:-1].replace('""', '"')

    def flag(self) -> str:
        """The next flag, with its brackets."""
        return self._next("<", "a flag such as <exists>")

    def number(self) -> float:
        """The next number."""
        value = float(self._next("0", "a number"))
        if not math.isfinite(value):
            raise DataError(f"{self.where}: a number that is not finite", _REMEDY)
        return value

    def count(self) -> int:
        """The next number, as how many tiers or intervals follow."""
        value = self.number()
        # An interval takes some letters: a count beyond the file's length is no reason to count to it.
        if value != int(value) or not 0 <= value <= len(self._content):
            raise DataError(f"{self.where}: {value:g} is no number of tiers or intervals", _REMEDY)
        return int(value)

    def _next(self, wanted: str, said: str) -> str:
        for found in self._found:
            item = found[0]
            kind = item[0] if item[0] in '"<' and len(item) > 1 else "0" if _NUMBER.fullmatch(item) else ""
            if kind:
                self._place = found.start()
                if kind != wanted:
                    raise DataError(f"{self.where}: {item[:40]} where {said} should be", _REMEDY)
                return item
        self._place = len(self._content)
        raise DataError(
            f"{self.where}: the file ends where {said} should be", "it is cut short: save it anew in Praat, or copy it again"
        )


FORMAT = Format("TextGrid", ".TextGrid", write, read, write_all, read_all)
