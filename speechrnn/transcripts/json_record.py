"""JSON that holds all of a transcript: reading gives back exactly what was written.

    {"version": 1, "id": "call.wav", "text": "hello", "duration": 1.5, "model": "an4-small@1f3a…",
     "words": [{"text": "hello", "start": 0.3, "end": 0.9, "confidence": 0.97}], "tokens": […], …}

Times are seconds from the start of the recording, ends exclusive; confidences lie in [0, 1].
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from speechrnn.errors import DataError, nearest
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts.format import Format

VERSION = 1
Span = TypeVar("Span", Segment, Word, Token)
_SURROGATE = re.compile("[\ud800-\udfff]")


def write(transcript: Transcript) -> str:
    """Indented JSON, letters of all alphabets as they are."""
    return dumps({"version": VERSION, **asdict(transcript)}, indent=2) + "\n"


def write_line(transcript: Transcript) -> str:
    """The same in one line, for a file or stream of many."""
    return dumps({"version": VERSION, **asdict(transcript)}) + "\n"


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON that can always be saved as UTF-8: bytes of a file name that are no UTF-8 (lone surrogates in Python) are escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def read(content: str, identity: str) -> Transcript:
    """Read what :func:`write` wrote.

    Args:
        content: JSON.
        identity: named in errors; the id itself stands in the content.

    Raises:
        DataError: not JSON, a newer version, an unknown or missing key, a value of the wrong type.
    """
    try:
        record = json.loads(content)
    except ValueError as error:
        raise DataError(f"{identity}: not JSON: {error}", "give a transcript as speechrnn transcribe -f json writes it") from None
    except RecursionError:
        raise DataError(
            f"{identity}: JSON nested too deep", "give a transcript as speechrnn transcribe -f json writes it"
        ) from None
    if not isinstance(record, dict):
        raise DataError(f"{identity}: not a JSON object", "give a transcript as speechrnn transcribe -f json writes it")
    version = record.pop("version", None)
    if not isinstance(version, int) or version < 1:
        raise DataError(
            f"{identity}: version {version!r} is not known", "give a transcript as speechrnn transcribe -f json writes it"
        )
    if version > VERSION:
        raise DataError(f"{identity}: version {version} was written by a newer release", "upgrade speechrnn to read it")
    values = _checked(Transcript, record, identity)
    values["segments"] = _spans(Segment, "segments", values, identity)
    values["words"] = _spans(Word, "words", values, identity)
    values["tokens"] = _spans(Token, "tokens", values, identity)
    alternatives = values.get("alternatives", ())
    if not all(isinstance(text, str) for text in alternatives):
        raise DataError(f"{identity}, alternatives: not a list of texts", "correct or remove it")
    values["alternatives"] = tuple(alternatives)
    return Transcript(**values)


def _spans(kind: type[Span], key: str, values: Mapping[str, Any], where: str) -> tuple[Span, ...]:
    spans = []
    for index, entry in enumerate(values.get(key, ())):
        if not isinstance(entry, dict):
            raise DataError(f"{where}, {key}[{index}]: {entry!r} is not an object", "write text, start, end and confidence")
        spans.append(kind(**_checked(kind, entry, f"{where}, {key}[{index}]")))
    return tuple(spans)


_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "text", "language", "speaker", "model", "unit"), (str,)),
    **dict.fromkeys(("duration", "start", "end", "confidence"), (int, float)),
    **dict.fromkeys(("segments", "words", "tokens", "alternatives"), (list,)),
    "channel": (int, type(None)),
}


def _checked(kind: type[Any], record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The record's values by field name, types checked."""
    known = [field.name for field in fields(kind)]
    for key, value in record.items():
        if key not in known:
            raise DataError(f"{where}: unknown key {key!r}", nearest(key, known))
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise DataError(f"{where}: {key} is {value!r}", f"{key} must be {' or '.join(t.__name__ for t in _TYPES[key])}")
    needed = {"id", "text", "duration"} if kind is Transcript else set(known)
    missing = sorted(needed - set(record))
    if missing:
        raise DataError(f"{where}: {', '.join(missing)} missing", "give a transcript as speechrnn transcribe -f json writes it")
    return dict(record)


FORMAT = Format("json", ".json", write, read, streams=True)
