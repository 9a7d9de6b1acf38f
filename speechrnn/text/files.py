"""Reading what people's editors write: UTF-8 or UTF-16, with or without a byte-order mark, any line ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from speechrnn.errors import DataError

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_text(path: str | Path, remedy: str = "check the path") -> str:
    """The content of a text file, line ends as ``\\n``, without a byte-order mark.

    Args:
        path: the file.
        remedy: what to do where it is missing.

    Raises:
        DataError: missing, unreadable, in another encoding.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", remedy) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "check that it is a file you may read") from error
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not {error.encoding}", "save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbered_lines(path: str | Path, remedy: str = "check the path") -> Iterator[tuple[int, str]]:
    """Line numbers, from 1, and lines that are not blank; the last needs no line end."""
    for number, line in enumerate(read_text(path, remedy).split("\n"), 1):
        if line.strip():
            yield number, line


def _encoding(data: bytes) -> str:
    """By byte-order mark; without one, NUL bytes at every other place give UTF-16 away."""
    if data[:2] in _MARKS:
        return _MARKS[data[:2]]
    sample = data[:1000]
    if len(sample) >= 2 and sample[1::2].count(0) * 2 > len(sample[1::2]):
        return "utf-16-le"
    if len(sample) >= 2 and sample[::2].count(0) * 2 > len(sample[::2]):
        return "utf-16-be"
    return "utf-8-sig"
