"""Lines of a large file, many at a time, with their numbers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

from speechrnn.errors import DataError

BLOCK_BYTES = 4_000_000
"""Read at a time; a longer line is refused."""


class Lines:
    """One pass over the lines of a UTF-8 file, plain or compressed by gzip, whatever its suffix; to be closed.

    Attributes:
        path: the file.
        number: of the line taken last, from 1.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._blocks = self._read()
        self._lines: list[bytes] = []
        self._place = 0

    def close(self) -> None:
        """Close the file, read to its end or not."""
        self._blocks.close()

    def content(self) -> bytes | None:
        """The next line that is not blank, without white space at its ends; ``None`` at the end of the file."""
        while lines := self.take(1):
            if line := lines[0].strip():
                return line
        return None

    def take(self, most: int) -> list[bytes]:
        """Some of the next lines, at most ``most``; none at the end of the file."""
        if self.at_end():
            return []
        lines = self._lines[self._place : self._place + most]
        self._place += len(lines)
        self.number += len(lines)
        return lines

    def back(self) -> None:
        """Give the line taken last back."""
        self._place -= 1
        self.number -= 1

    def at_end(self) -> bool:
        """Whether no line is left."""
        if self._place == len(self._lines):
            self._lines = next(self._blocks, [])
            self._place = 0
        return not self._lines

    def _read(self) -> Generator[list[bytes], None, None]:
        """Blocks of lines without their line feeds.

        Raises:
            DataError: no such file, unreadable, damaged, UTF-16, a line without end.
        """
        try:
            with self.path.open("rb") as raw:
                compressed = raw.read(2) == b"\x1f\x8b"
                raw.seek(0)
                if not compressed:
                    yield from self._split(raw)
                else:
                    with gzip.GzipFile(fileobj=raw) as unpacked:
                        yield from self._split(cast(IO[bytes], unpacked))
        except FileNotFoundError:
            raise DataError(f"{self.path}: no such file", "check the path; speechrnn lm train makes an ARPA file") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{self.path}: its compression is damaged: {error}", "fetch or copy the file again") from None
        except OSError as error:
            message = f"{self.path}: cannot be read: {error.strerror or error}"
            raise DataError(message, "check that it is a file you may read") from None

    def _split(self, stream: IO[bytes]) -> Iterator[list[bytes]]:
        rest = stream.read(3)
        if rest[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{self.path}: it is UTF-16", "save the file as UTF-8")
        rest = rest.removeprefix(b"\xef\xbb\xbf")
        while data := stream.read(BLOCK_BYTES):
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            if len(rest) > BLOCK_BYTES:
                raise DataError(f"{self.path}: a line is longer than {BLOCK_BYTES:,} bytes", "this is no file of lines")
            if lines:
                yield lines
        if rest:
            yield [rest]
