"""Transcripts on disk: read as people's editors write them, written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.errors import DataError, UsageError
from speechrnn.records import Transcript
from speechrnn.text.files import read_text
from speechrnn.transcripts.format import Format
from speechrnn.transcripts.registry import FORMATS

MAX_BYTES = 256_000_000
"""Larger files are refused: the JSON of a day of speech, the longest kind, is smaller."""


def write_transcript(path: str | Path, transcript: Transcript, chosen: Format | None = None) -> None:
    """Write one transcript; the format is given or found by the file's ending.

    Raises:
        DataError: the format needs times that the transcript lacks, or the file cannot be written.
        UsageError: no format has this ending.
    """
    path = Path(path)
    write_text(path, content_of(transcript, chosen or _by_suffix(path), path.parent))


def content_of(transcript: Transcript, chosen: Format, folder: Path) -> str:
    """What a file in ``folder`` holds.

    Raises:
        DataError: the format needs times that the transcript lacks.
    """
    return chosen.write(transcript) if chosen.write_beside is None else chosen.write_beside(transcript, folder)


def write_transcripts(path: str | Path, transcripts: Sequence[Transcript], chosen: Format | None = None) -> None:
    """Write several transcripts into one file: the channels or speakers of a recording, or, as ctm and stm, several recordings.

    Raises:
        DataError: as :func:`write_transcript`.
        UsageError: the format holds one transcript, or no format has this ending.
    """
    path = Path(path)
    chosen = chosen or _by_suffix(path)
    if chosen.write_all is None:
        several = ", ".join(name for name, known in FORMATS.items() if known.write_all)
        raise UsageError(f"{path}: {chosen.name} holds one transcript a file", f"write a file each, or choose {several}")
    write_text(path, chosen.write_all(transcripts))


def read_transcript(path: str | Path, chosen: Format | None = None) -> Transcript:
    """Read one transcript; where the format holds no id, the file's name without its ending is the id.

    Raises:
        DataError: missing, not readable as text, not of this format, several transcripts, or larger than 256 MB.
        UsageError: no format has this ending.
    """
    found = _read(Path(path), chosen, several=False)
    return found[0]


def read_transcripts(path: str | Path, chosen: Format | None = None) -> list[Transcript]:
    """Read all transcripts of a file: channels, speakers, recordings.

    Raises:
        DataError: as :func:`read_transcript`.
        UsageError: no format has this ending.
    """
    return _read(Path(path), chosen, several=True)


def read_bytes(path: Path) -> bytes:
    """The content of a file as it is.

    Raises:
        DataError: missing, unreadable, larger than 256 MB.
    """
    _check_size(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", "check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "check that it is a file you may read") from error


def _check_size(path: Path) -> None:
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: {path.stat().st_size:,} bytes, too large for a transcript", "check that it is the right file")


def _read(path: Path, chosen: Format | None, several: bool) -> list[Transcript]:
    chosen = chosen or _by_suffix(path)
    _check_size(path)
    content = read_text(path)
    try:
        if several and chosen.read_all is not None:
            return chosen.read_all(content, path.stem)
        return [chosen.read(content, path.stem)]
    except DataError as error:
        # Formats know the id alone, which begins their message.
        rest = error.message.removeprefix(f"{path}: ").removeprefix(path.stem)
        raise DataError(f"{path}{rest}" if rest[:2] in (": ", ", ") else f"{path}: {error.message}", error.remedy) from None


def _by_suffix(path: Path) -> Format:
    for known in FORMATS.values():
        if path.suffix.lower() == known.suffix.lower():
            return known
    raise UsageError(f"{path}: no transcript format has the ending {path.suffix!r}", f"known are: {', '.join(FORMATS)}")
