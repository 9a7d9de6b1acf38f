"""Transcripts on disk: read as people's editors write them, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.errors import DataError, UsageError
from speechrnn.records import Transcript
from speechrnn.text.files import read_text
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


def _by_suffix(path: Path) -> Format:
    for known in FORMATS.values():
        if path.suffix.lower() == known.suffix.lower():
            return known
    raise UsageError(f"{path}: no transcript format has the ending {path.suffix!r}", f"known are: {', '.join(FORMATS)}")
