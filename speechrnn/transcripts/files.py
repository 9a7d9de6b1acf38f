"""Transcripts on disk: read as people's editors write them, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.errors import DataError, UsageError
from speechrnn.records import Transcript
from speechrnn.transcripts.format import Format
from speechrnn.transcripts.registry import FORMATS


def write_transcript(path: str | Path, transcript: Transcript, chosen: Format | None = None) -> None:
    """Write one transcript; the format is given or found by the file's ending."""
    write_text(Path(path), (chosen or _by_suffix(Path(path))).write(transcript))


def read_transcript(path: str | Path, chosen: Format | None = None) -> Transcript:
    """Read one transcript; where the format holds no id, the file's name without its ending is the id.

    Raises:
        DataError: missing, not readable as text, not of this format.
        UsageError: no format has this ending.
    """
    path = Path(path)
    chosen = chosen or _by_suffix(path)
    try:
        return chosen.read(read_text(path), path.stem)
    except DataError as error:
        raise DataError(f"{path}: {error.message.removeprefix(f'{path}: ')}", error.remedy) from None


def read_text(path: str | Path) -> str:
    """The content of a text file: UTF-8, or UTF-16 with a byte-order mark; line ends become ``\\n``.

    Raises:
        DataError: missing, not permitted, or in another encoding, with the place of the first wrong byte.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", "check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "give a text file that you may read") from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte {error.start} (0x{data[error.start]:02x}) is not {encoding[:6].upper()}",
            "save the file as UTF-8",
        ) from None


def _by_suffix(path: Path) -> Format:
    for known in FORMATS.values():
        if path.suffix.lower() == known.suffix.lower():
            return known
    raise UsageError(f"{path}: no transcript format has the ending {path.suffix!r}", f"known are: {', '.join(FORMATS)}")
