"""A transcript added to an ELAN file as text: nothing that stands in the file is read into a tree and written anew.

Whole lines are inserted, with the indentation, line ends and encoding of the file, and the counter of annotations in its
header is raised. Without those lines and with the old counter the file is what it was, to the byte. (Two exceptions, where
there is no line to put them: an empty ``<TIME_ORDER/>`` is opened, and a file without line breaks stays without.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from speechrnn.errors import DataError
from speechrnn.records import Transcript
from speechrnn.transcripts.eaf_document import Element, parse
from speechrnn.transcripts.eaf_tiers import add_tiers, new_tiers
from speechrnn.transcripts.tiers import HYPOTHESIS
from speechrnn.transcripts.timing import Span

_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ENCODINGS = {"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"}
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def insert(content: bytes, transcript: Transcript, identity: str) -> bytes:
    """An ELAN file with a transcript as further tiers: segments, words (or tokens) and the confidences of those.

    They are called ``hypothesis - words`` and so on, with a number where that name is taken.

    Args:
        content: of the file.
        transcript: of a recording that the file links; where that has an offset to the file's time, it is taken off.
        identity: of the file, named in errors.

    Raises:
        DataError: no ELAN file that can be read, or a transcript with text but without times.
    """
    encoding, data, mark = _decoded(content, identity)
    root = parse(data, identity)
    taken = {tier.attributes.get("TIER_ID", "") for tier in root.all("TIER")}
    moved = _on_the_timeline(transcript, root)
    label, number = HYPOTHESIS, 1
    while any(tier.name in taken for tier in new_tiers([moved], label)):
        number += 1
        label = f"{HYPOTHESIS} {number}"
    changed = add_tiers(data, root, new_tiers([moved], label), identity)
    # It may be someone's only copy that is replaced by this.
    parse(changed, identity)
    return mark + changed.decode("utf-8").encode(encoding, "xmlcharrefreplace")


def linked_media(content: bytes, identity: str) -> list[list[str]]:
    """Names of the media files that an ELAN file links, without their folders: of each, those that its links may mean.

    Raises:
        DataError: no ELAN file that can be read.
    """
    _, data, _ = _decoded(content, identity)
    return [names for media in parse(data, identity).all("HEADER")[0].all("MEDIA_DESCRIPTOR") if (names := _media_names(media))]


def _on_the_timeline(transcript: Transcript, root: Element) -> Transcript:
    """A transcript in the file's time: a medium's TIME_ORIGIN (ms) is the place in it where that begins."""
    name = _file_name(transcript.id)
    for media in root.all("HEADER")[0].all("MEDIA_DESCRIPTOR"):
        origin = media.attributes.get("TIME_ORIGIN", "0")
        if name in _media_names(media) and re.fullmatch(r"-?\d{1,12}", origin) and int(origin):
            offset = int(origin) / 1000
            return replace(
                transcript,
                duration=max(transcript.duration - offset, 0.0),
                segments=_earlier(transcript.segments, offset),
                words=_earlier(transcript.words, offset),
                tokens=_earlier(transcript.tokens, offset),
            )
    return transcript


def _earlier(spans: Sequence[Span], offset: float) -> tuple[Span, ...]:
    """Spans moved by ``offset`` (s) towards 0; what ends before it is left out."""
    return tuple(replace(s, start=max(s.start - offset, 0.0), end=s.end - offset) for s in spans if s.end > offset)


def _media_names(media: Element) -> list[str]:
    """The file's name as ELAN writes it, and as other programs do, with ``%20`` for a space."""
    links = [media.attributes.get(name, "") for name in ("MEDIA_URL", "RELATIVE_MEDIA_URL")]
    return [_file_name(form) for link in links if link for form in (link, unquote(link))]


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _decoded(content: bytes, identity: str) -> tuple[str, bytes, bytes]:
    """The encoding to write with, the content as UTF-8 without its byte-order mark, and that mark."""
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    encoding = _MARKS.get(mark, "")
    if not mark:
        found = _DECLARED.match(content[:200])
        encoding = found[1].decode().lower() if found else "utf-8"
        if encoding not in _ENCODINGS:
            raise DataError(f"{identity}: its encoding {encoding} is not known", "save it as UTF-8")
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{identity}: byte {len(mark) + error.start} is not {error.encoding}", "save the file as UTF-8") from None
    return encoding, text.encode("utf-8"), mark
