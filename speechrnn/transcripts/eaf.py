"""ELAN's annotation format: tiers of segments, of words (or tokens) and of their confidences; times in milliseconds.

Source: the schema EAFv3.0; Sloetjes, ELAN Annotation Format.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from speechrnn.errors import DataError
from speechrnn.records import Segment, Transcript
from speechrnn.transcripts.eaf_document import Element, parse, time_slots
from speechrnn.transcripts.eaf_tiers import CONFIDENCE, add_tiers, new_tiers
from speechrnn.transcripts.format import Format, only
from speechrnn.transcripts.plain import characters, plain
from speechrnn.transcripts.tiers import Tier, gather

_MIME_TYPES = {".wav": "audio/x-wav", ".mp3": "audio/mpeg"}
_IN_ATTRIBUTES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_EMPTY = """\
<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="speechrnn" DATE="1970-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
{media}        <PROPERTY NAME="lastUsedAnnotationId">0</PROPERTY>
    </HEADER>
    <TIME_ORDER>
    </TIME_ORDER>
</ANNOTATION_DOCUMENT>
"""
"""The same transcript gives the same file, so it has no date of its own; ELAN writes one when it saves."""


def write(transcript: Transcript) -> str:
    """A new file that links the recording by its absolute path.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    return write_all([transcript])


def write_all(transcripts: Sequence[Transcript]) -> str:
    """The same for several channels and speakers of a recording."""
    return _written(transcripts, None)


def write_beside(transcript: Transcript, folder: Path) -> str:
    """A new file that links the recording by its absolute path and by the way from ``folder``, where the file will stand."""
    return _written([transcript], folder)


def _written(transcripts: Sequence[Transcript], folder: Path | None) -> str:
    links = dict.fromkeys(transcript.id for transcript in transcripts)
    data = _EMPTY.format(media="".join(_media(link, folder) for link in links)).encode("utf-8")
    return add_tiers(data, parse(data, "eaf"), new_tiers(transcripts), "eaf").decode("utf-8")


def _media(link: str, folder: Path | None) -> str:
    """A line that links a recording; none for an id that is no path of a file. As ELAN does it, nothing is percent-encoded."""
    path = Path(link)
    if not path.suffix or "\0" in link:
        return ""
    whole = path.absolute()
    try:
        # Both ends without symbolic links: the way between them is walked by the system.
        way = Path(os.path.relpath(whole.resolve(), (folder or whole.parent).resolve())).as_posix()
    except (OSError, ValueError):
        # On Windows there is no way from one drive to another.
        way = whole.name
    # A network folder has two slashes already.
    absolute = f"file:{whole.as_posix()}" if whole.as_posix().startswith("//") else f"file:///{whole.as_posix().lstrip('/')}"
    kind = _MIME_TYPES.get(path.suffix.lower(), "audio/*")
    relative = way if way.startswith("../") else f"./{way}"
    attributes = [("MEDIA_URL", absolute), ("MIME_TYPE", kind), ("RELATIVE_MEDIA_URL", relative)]
    return f"        <MEDIA_DESCRIPTOR {' '.join(f'{name}={_quoted(value)}' for name, value in attributes)}/>\n"


def _quoted(text: str) -> str:
    return f'"{escape(characters(text), _IN_ATTRIBUTES)}"'


def read(content: str, identity: str) -> Transcript:
    """The tiers of one speaker, named as in :mod:`speechrnn.transcripts.tiers`, with their confidences.

    Raises:
        DataError: no ELAN file that can be read, or tiers of several channels or speakers.
    """
    return only(read_all(content, identity), identity)


def read_all(content: str, identity: str) -> list[Transcript]:
    """A transcript a speaker; the duration is unknown and therefore 0. Annotations without confidence get 1.

    Raises:
        DataError: no ELAN file that can be read.
    """
    return gather(read_tiers(content, identity), identity, 0.0)


def read_tiers(content: str, identity: str) -> list[Tier]:
    """All tiers that are aligned with time themselves, with what is written in them.

    Raises:
        DataError: no ELAN file that can be read, or a reference to a time slot that is not there.
    """
    root = parse(content.encode("utf-8"), identity)
    times = _interpolated(time_slots(root, identity))
    sure = _confidences(root)
    tiers = []
    for tier in root.all("TIER"):
        spans = []
        aligned = [a for annotation in tier.all("ANNOTATION") for a in annotation.all("ALIGNABLE_ANNOTATION")]
        for annotation in aligned:
            own = annotation.attributes.get("ANNOTATION_ID", "")
            references = [annotation.attributes.get(f"TIME_SLOT_REF{number}", "") for number in (1, 2)]
            missing = [slot for slot in references if slot not in times]
            if missing:
                raise DataError(f"{identity}, annotation {own}: no time slot {missing[0]!r}", "open it in ELAN and save it anew")
            start, end = (times[slot] for slot in references)
            value = annotation.first("ANNOTATION_VALUE")
            text = plain(value.text) if value is not None else ""
            if text:
                spans.append(Segment(text, start / 1000, max(start, end) / 1000, sure.get(own, 1.0)))
        # A tier of references (glosses, our confidences) has no time of its own.
        if aligned or "PARENT_REF" not in tier.attributes:
            name, speaker = tier.attributes.get("TIER_ID", ""), tier.attributes.get("PARTICIPANT", "")
            tiers.append(Tier(plain(name), tuple(sorted(spans, key=lambda span: span.start)), plain(speaker)))
    return tiers


def _confidences(root: Element) -> dict[str, float]:
    """Confidences by the id of the annotation they belong to."""
    found = {}
    for tier in root.all("TIER"):
        if not tier.attributes.get("TIER_ID", "").endswith(CONFIDENCE):
            continue
        for entry in (r for annotation in tier.all("ANNOTATION") for r in annotation.all("REF_ANNOTATION")):
            value = entry.first("ANNOTATION_VALUE")
            try:
                number = float(value.text) if value is not None else 1.0
            except ValueError:
                continue
            if 0 <= number <= 1:
                found[entry.attributes.get("ANNOTATION_REF", "")] = number
    return found


def _interpolated(slots: dict[str, int | None]) -> dict[str, float]:
    """Times (ms) of all slots; those that are not aligned share out the time between their neighbours, as ELAN shows them."""
    names = list(slots)
    fixed = [(index, time) for index, name in enumerate(names) if (time := slots[name]) is not None]
    if not fixed:
        return dict.fromkeys(names, 0.0)
    fixed = [(-1, fixed[0][1]), *fixed, (len(names), fixed[-1][1])]
    times: dict[str, float] = {}
    for (before, start), (after, end) in pairwise(fixed):
        for index in range(before + 1, after):
            times[names[index]] = start + (end - start) * (index - before) / (after - before)
        if after < len(names):
            times[names[after]] = float(end)
    return times


FORMAT = Format("eaf", ".eaf", write, read, write_all, read_all, write_beside)
