"""Tiers for an ELAN file: their lines, time slots and types, with ids that the file does not have yet.

Source: Sloetjes, ELAN Annotation Format, schema versions 2.7 to 3.0 (the order of elements, what ids must not collide).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from xml.sax.saxutils import escape

from speechrnn.records import Transcript
from speechrnn.transcripts.eaf_document import Element, time_slots
from speechrnn.transcripts.eaf_layout import Edit, Layout, applied
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.tiers import groups_of, tier_name
from speechrnn.transcripts.timing import in_ticks

CONFIDENCE = "confidence"
ASSOCIATION = "Symbolic_Association"
_COUNTER = "lastUsedAnnotationId"


@dataclass(frozen=True, slots=True)
class NewTier:
    """A tier to write: with spans (start ms, end ms, text), or, with a parent, with a value for each of the parent's spans."""

    name: str
    speaker: str
    spans: tuple[tuple[int, int, str], ...]
    parent: str = ""


def new_tiers(transcripts: Sequence[Transcript], label: str = "") -> list[NewTier]:
    """The tiers of transcripts, their names behind ``label``.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    tiers = []
    for group in groups_of(transcripts):
        name = f"{label} {group.name}".strip()
        speaker = plain(group.transcript.speaker)
        # Letters below words would be of no use to who corrects them: their times are those of the network's peaks.
        levels = [level for level in ("segments", "words" if "words" in group.levels else "tokens") if level in group.levels]
        for level in levels or ["segments"]:
            spans = in_ticks([s for s in group.levels.get(level, ()) if plain(s.text)], group.transcript.duration, 1000)
            tiers.append(NewTier(tier_name(name, level), speaker, tuple((a, b, plain(span.text)) for a, b, span in spans)))
        sure = tuple((a, b, f"{round(span.confidence, 3):g}") for a, b, span in spans)
        tiers.append(NewTier(tier_name(name, CONFIDENCE), speaker, sure, parent=tiers[-1].name))
    return tiers


def add_tiers(data: bytes, root: Element, tiers: Sequence[NewTier], identity: str) -> bytes:
    """UTF-8 content of an ELAN file with further tiers, whose names are free.

    Args:
        data: the content.
        root: what :func:`~speechrnn.transcripts.eaf_document.parse` made of it.
        tiers: each after its parent.
        identity: named in errors.
    """
    ids, layout = _Ids(root), Layout(data, root)
    own_type, own_line = _linguistic_type(root, "speechrnn", "")
    sure_type, sure_line = _linguistic_type(root, "speechrnn confidence", ASSOCIATION)
    lines, slots = _tier_lines(tiers, ids, own_type, sure_type)
    tiers_end = (root.all("TIER") or root.all("TIME_ORDER"))[-1]
    types_end = (root.all("LINGUISTIC_TYPE") or [tiers_end])[-1]
    edits = [*_counted(data, root, ids), *_slot_edits(layout, root, slots, identity), layout.after(tiers_end, lines)]
    if own_line or sure_line:
        edits.append(layout.after(types_end, [*own_line, *sure_line]))
    if all(constraint.attributes.get("STEREOTYPE") != ASSOCIATION for constraint in root.all("CONSTRAINT")):
        before = [element for tag in ("LOCALE", "LANGUAGE", "CONSTRAINT") for element in root.all(tag)]
        line = f'<CONSTRAINT DESCRIPTION="1-1 association with a parent annotation" STEREOTYPE="{ASSOCIATION}"/>'
        edits.append(layout.after((before or [types_end])[-1], [line]))
    return applied(data, edits)


def _tier_lines(tiers: Sequence[NewTier], ids: _Ids, own_type: str, sure_type: str) -> tuple[list[str], list[tuple[int, int, str]]]:
    """The lines of tiers, and their time slots in order: (ms, 0 for an end and 1 for a start, id)."""
    lines: list[str] = []
    slots: list[tuple[int, int, str]] = []
    annotations: dict[str, list[str]] = {}
    for tier in tiers:
        owner = f' PARTICIPANT="{_attribute(tier.speaker)}"' if tier.speaker else ""
        parent = f' PARENT_REF="{_attribute(tier.parent)}"' if tier.parent else ""
        kind = sure_type if tier.parent else own_type
        lines.append(f'<TIER LINGUISTIC_TYPE_REF="{_attribute(kind)}"{parent}{owner} TIER_ID="{_attribute(tier.name)}">')
        annotations[tier.name] = [ids.annotation() for _ in tier.spans]
        for index, (start, end, text) in enumerate(tier.spans):
            own = f'ANNOTATION_ID="{annotations[tier.name][index]}"'
            if tier.parent:
                tag, rest = "REF_ANNOTATION", f'ANNOTATION_REF="{annotations[tier.parent][index]}"'
            else:
                first, second = ids.slot(), ids.slot()
                slots += [(start, 1, first), (end, 0, second)]
                tag, rest = "ALIGNABLE_ANNOTATION", f'TIME_SLOT_REF1="{first}" TIME_SLOT_REF2="{second}"'
            lines += ["\t<ANNOTATION>", f"\t\t<{tag} {own} {rest}>", f"\t\t\t<ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE>"]
            lines += [f"\t\t</{tag}>", "\t</ANNOTATION>"]
        lines.append("</TIER>")
    # At one time an annotation ends before the next begins.
    return lines, sorted(slots)


def _linguistic_type(root: Element, name: str, constraint: str) -> tuple[str, list[str]]:
    """The id of a type as it is needed, and the line that defines it where the file has none."""
    known = {kind.attributes.get("LINGUISTIC_TYPE_ID", ""): kind.attributes for kind in root.all("LINGUISTIC_TYPE")}
    aligned = "false" if constraint else "true"
    number, chosen = 1, name
    while chosen in known:
        found = known[chosen]
        fits = found.get("TIME_ALIGNABLE", "true") == aligned and found.get("CONSTRAINTS", "") == constraint
        if fits and not found.get("CONTROLLED_VOCABULARY_REF"):
            return chosen, []
        number += 1
        chosen = f"{name} {number}"
    stereotype = f'CONSTRAINTS="{constraint}" ' if constraint else ""
    line = f'<LINGUISTIC_TYPE {stereotype}GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="{chosen}" TIME_ALIGNABLE="{aligned}"/>'
    return chosen, [line]


class _Ids:
    """Ids of annotations (``a1``) and time slots (``ts1``) that no element of the file has: in XML all ids are one family."""

    def __init__(self, root: Element) -> None:
        self._taken: set[str] = set()
        waiting = [root]
        while waiting:
            element = waiting.pop()
            self._taken.update(value for name, value in element.attributes.items() if name.endswith("_ID"))
            waiting += element.children
        self.counter = _counter(root)
        used = int(self.counter.text) if self.counter is not None else 0
        self.last = max([used, *_numbers("a", self._taken)])
        self._last_slot = max([0, *_numbers("ts", self._taken)])

    def annotation(self) -> str:
        self.last += 1
        return f"a{self.last}"

    def slot(self) -> str:
        self._last_slot += 1
        return f"ts{self._last_slot}"


def _numbers(prefix: str, ids: Iterable[str]) -> Iterable[int]:
    return (int(found[1]) for name in ids if (found := re.fullmatch(rf"{prefix}(\d{{1,15}})", name)))


def _counter(root: Element) -> Element | None:
    """The property that counts annotations, where it is there and holds a number."""
    for entry in root.all("HEADER")[0].all("PROPERTY"):
        if entry.attributes.get("NAME") == _COUNTER and re.fullmatch(r"\s*\d{1,15}\s*", entry.text, re.ASCII):
            return entry
    return None


def _counted(data: bytes, root: Element, ids: _Ids) -> list[Edit]:
    """The counter raised. Files of older ELANs have none and get none: ELAN then looks for the highest id itself."""
    if ids.counter is None:
        return []
    inside = data[ids.counter.inside : ids.counter.close]
    found = re.search(rb"\d+", inside)
    if not found or inside.strip() != found[0]:
        return []
    start = ids.counter.inside + found.start()
    return [Edit(start, start + len(found[0]), str(ids.last))]


def _slot_edits(layout: Layout, root: Element, slots: Sequence[tuple[int, int, str]], identity: str) -> list[Edit]:
    """Time slots in their places: ELAN takes their order in the file for their order in time."""
    lines = [f'<TIME_SLOT TIME_SLOT_ID="{name}" TIME_VALUE="{time}"/>' for time, _, name in slots]
    order = root.all("TIME_ORDER")[0]
    known = order.all("TIME_SLOT")
    if not slots:
        return []
    if not known:
        return [layout.within(order, lines)]
    # The latest time up to each slot; those that are not aligned stay behind the slot before them.
    latest = list(accumulate((-1 if time is None else time for time in time_slots(root, identity).values()), max))
    edits = []
    placed = [(bisect_right(latest, time), line) for (time, _, _), line in zip(slots, lines, strict=True)]
    for place, here in groupby(placed, key=itemgetter(0)):
        new = [line for _, line in here]
        edits.append(layout.after(known[place - 1], new) if place else layout.before(known[0], new))
    return edits


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})
