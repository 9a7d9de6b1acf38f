"""What the two formats of NIST's scoring tools have in common: fields between spaces, so ids and words can hold none.

Source: the documentation of sclite (SCTK), file formats ctm and stm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

from speechrnn.errors import DataError
from speechrnn.records import Transcript
from speechrnn.transcripts.plain import plain

_UNSAFE = re.compile("[\\s%\x00-\x20\x7f-\x9f\ud800-\udfff]|^;|^<")


def encode_id(identity: str) -> str:
    """An id in one field: spaces, ``%`` and what is no character as ``%`` and two hexadecimal digits a byte; ``-`` for none.

    >>> encode_id("day 1/100%.wav")
    'day%201/100%25.wav'
    """
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found[0])), identity) or "-"


def _bytes(character: str) -> bytes:
    """UTF-8; of half a character the byte of a path that it stands for, or its own three bytes where it stands for none."""
    return character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass")


def decode_id(field: str) -> str:
    """What :func:`encode_id` encoded; a ``%`` that begins no two digits stays."""
    return unquote_to_bytes(quote(field, safe="%", encoding="utf-8")).decode("utf-8", "surrogateescape") if "%" in field else field


def encode_channel(channel: int | None) -> str:
    """``1`` for mixed or mono recordings, letters from A for the channels of others, as in telephone conversations.

    >>> encode_channel(None), encode_channel(1), encode_channel(26)
    ('1', 'B', '27')
    """
    return "1" if channel is None else chr(ord("A") + channel) if 0 <= channel < 26 else str(channel + 1)


def decode_channel(field: str) -> int | None:
    """The channel's index; ``None`` for ``1``, and for names that say no number."""
    if len(field) == 1 and "A" <= field.upper() <= "Z":
        return ord(field.upper()) - ord("A")
    return int(field) - 1 if field.isascii() and field.isdigit() and int(field[:4]) > 1 and len(field) <= 4 else None


def word(text: str) -> str:
    """A word without spaces.

    >>> word("New York")
    'New_York'
    """
    return "_".join(plain(text).split())


def fields_of(content: str, identity: str, least: int, example: str, most: int = -1) -> Iterator[tuple[str, list[str]]]:
    """Place and fields of each line that is neither empty nor a comment (``;;``).

    Args:
        content: of the file.
        identity: named in errors.
        least: fields there have to be.
        example: a line as it should be.
        most: splits; what follows stays together.

    Raises:
        DataError: too few fields.
    """
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith(";;"):
            continue
        fields = line.split(None, most)
        if len(fields) < least:
            raise DataError(f"{identity}, line {number}: {len(fields)} fields: {line[:80]!r}", f"write {example}")
        yield f"{identity}, line {number}", fields


def seconds(field: str, where: str) -> float:
    """A time (s).

    Raises:
        DataError: no number, or a negative one.
    """
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DataError(f"{where}: {field[:40]!r} is no time in seconds", "write a number such as 12.345")
    return value


def order(transcript: Transcript) -> tuple[str, str]:
    """What sclite wants files to be sorted by, before the times."""
    return encode_id(transcript.id), encode_channel(transcript.channel)
