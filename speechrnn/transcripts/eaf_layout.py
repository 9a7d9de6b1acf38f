"""Lines added to an XML file in its own layout: indentation and line ends as they are around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from speechrnn.transcripts.eaf_document import Element


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes ``start`` to ``end`` are replaced."""

    start: int
    end: int
    text: str


class Layout:
    """How a file is laid out: line ends and indentation; edits that add lines to it."""

    def __init__(self, data: bytes, root: Element) -> None:
        self._data = data
        found = re.search(rb"\r\n|\n|\r", data)
        self._newline = found[0].decode() if found else ""
        order = root.all("TIME_ORDER")[0]
        outer = self._indentation(order)
        inner = [self._indentation(child) for child in (*order.children[:1], *root.all("HEADER")[0].children[:1])]
        self._unit = next((deep[len(outer) :] for deep in inner if deep.startswith(outer) and len(deep) > len(outer)), "    ")

    def _line_start(self, place: int) -> int:
        return self._data.rfind(self._newline[-1:].encode() or b"\n", 0, place) + 1

    def _indentation(self, element: Element) -> str:
        before = self._data[self._line_start(element.start) : element.start]
        return before.decode() if not before.strip() else ""

    def _laid_out(self, lines: Sequence[str], indentation: str) -> str:
        """Lines with one more indentation for each tab they begin with."""
        text = []
        for line in lines:
            bare = line.lstrip("\t")
            text.append(indentation + self._unit * (len(line) - len(bare)) + bare + self._newline)
        return "".join(text)

    def after(self, element: Element, lines: Sequence[str]) -> Edit:
        """Lines after the line that the element ends in; straight after it where that line goes on."""
        rest = re.compile(rb"[ \t]*(?:\r\n|\n|\r)").match(self._data, element.end)
        if rest:
            return Edit(rest.end(), rest.end(), self._laid_out(lines, self._indentation(element)))
        return Edit(element.end, element.end, "".join(line.lstrip("\t") for line in lines))

    def before(self, element: Element, lines: Sequence[str]) -> Edit:
        """Lines before the line that the element begins in; straight before it where it is not the first there."""
        start = self._line_start(element.start)
        if start and not self._data[start : element.start].strip():
            return Edit(start, start, self._laid_out(lines, self._indentation(element)))
        return Edit(element.start, element.start, "".join(line.lstrip("\t") for line in lines))

    def within(self, element: Element, lines: Sequence[str]) -> Edit:
        """Lines in an element without children, which is opened where it is ``<TAG/>``."""
        indentation = self._indentation(element)
        text = self._laid_out([f"\t{line}" for line in lines], indentation)
        if element.close == element.end:
            cut = self._data.rindex(b"/", element.start, element.end)
            return Edit(cut, element.end, f">{self._newline}{text}{indentation}</{element.tag}>")
        start = self._line_start(element.close)
        if start > element.start and not self._data[start : element.close].strip():
            return Edit(start, start, text)
        return Edit(element.close, element.close, "".join(lines))


def applied(data: bytes, edits: Sequence[Edit]) -> bytes:
    parts, before = [], 0
    # Sorting keeps the order of edits at one place: tiers before types before constraints.
    for edit in sorted(edits, key=lambda edit: edit.start):
        parts += [data[before : edit.start], edit.text.encode("utf-8")]
        before = edit.end
    return b"".join([*parts, data[before:]])
