"""ELAN's XML with the place of every element, so that text can be added to a file without touching the rest of it.

Files with a document type or entities of their own are refused: a few lines of those can grow to gigabytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from speechrnn.errors import DataError

DEPTH = 12
"""Levels of elements; ELAN needs five."""
_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
_REMEDY = "open it in ELAN and save it anew"


@dataclass(slots=True)
class Element:
    """An element and where it stands.

    Attributes:
        tag, attributes, children: as in the file.
        text: between its tags, without that of its children.
        start: first byte of its start tag.
        inside: first byte after its start tag.
        close: first byte of its end tag; equal to ``end`` where there is none (``<TIME_ORDER/>``).
        end: first byte after it.
    """

    tag: str
    attributes: dict[str, str]
    start: int
    inside: int
    close: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """Children of a kind."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Element | None:
        """The first child of a kind."""
        return next((child for child in self.children if child.tag == tag), None)


def parse(data: bytes, identity: str) -> Element:
    """The root of an EAF document.

    Args:
        data: UTF-8, without a byte-order mark; what the declaration says about the encoding is passed over.
        identity: named in errors.

    Raises:
        DataError: no XML, cut short, a document type, entities, no ELAN file, or one without HEADER or TIME_ORDER.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    path: list[Element] = []
    roots: list[Element] = []
    texts: list[list[str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(path) == DEPTH:
            raise DataError(f"{identity}, line {parser.CurrentLineNumber}: elements {DEPTH} deep", "give an ELAN file (.eaf)")
        place = parser.CurrentByteIndex
        found = _TAG.match(data, place)
        element = Element(tag, attributes, place, found.end() if found else place)
        (path[-1].children if path else roots).append(element)
        path.append(element)
        texts.append([])

    def end(tag: str) -> None:
        element = path.pop()
        element.text = "".join(texts.pop())
        if data[element.inside - 2 : element.inside] == b"/>":
            element.close = element.end = element.inside
        else:
            element.close = parser.CurrentByteIndex
            element.end = data.index(b">", element.close) + 1

    def refuse(*_: object) -> None:
        raise DataError(
            f"{identity}, line {parser.CurrentLineNumber}: a document type or an entity of its own", "remove it; ELAN writes none"
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise DataError(
            f"{identity}, line {error.lineno}: no whole XML: {reason}", f"the file may be cut short: {_REMEDY}"
        ) from None
    root = roots[0]
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{identity}: its root is {root.tag[:40]}, not ANNOTATION_DOCUMENT", "give an ELAN file (.eaf)")
    for needed in ("HEADER", "TIME_ORDER"):
        if len(root.all(needed)) != 1:
            raise DataError(f"{identity}: {len(root.all(needed))} {needed}, not one", _REMEDY)
    units = root.all("HEADER")[0].attributes.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        raise DataError(f"{identity}: times in {units[:40]}", f"only milliseconds are known: {_REMEDY}")
    return root


def time_slots(root: Element, identity: str) -> dict[str, int | None]:
    """Times (ms) by id, in the order of the file; ``None`` for a slot that is not aligned.

    Raises:
        DataError: a slot without id, two of one id, a time that is no number.
    """
    slots: dict[str, int | None] = {}
    for slot in root.all("TIME_ORDER")[0].all("TIME_SLOT"):
        name, value = slot.attributes.get("TIME_SLOT_ID", ""), slot.attributes.get("TIME_VALUE")
        if not name or name in slots:
            raise DataError(f"{identity}: time slot {name!r} " + ("twice" if name else "without id"), _REMEDY)
        if value is not None and not re.fullmatch(r"\s*\d{1,12}\s*", value):
            raise DataError(f"{identity}, time slot {name}: {value[:40]!r} is no time in milliseconds", _REMEDY)
        slots[name] = None if value is None else int(value)
    return slots
