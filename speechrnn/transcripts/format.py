"""What a transcript format is: a name, a file ending, a writer and a reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechrnn.errors import DataError, listed
from speechrnn.records import Transcript


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes:
        name: as on the command line.
        suffix: of its files, with the dot.
        write: transcript -> content of its file, ending in a newline; DataError where the format needs times that are not there.
        read: content and id -> transcript, with as much as the format holds; DataError where the content is not of this format.
        write_all: the same for several transcripts in one file: channels, speakers, recordings; ``None`` where it holds one.
        read_all: what ``write_all`` wrote; ``read`` of such a file is an error that says so.
        write_beside: transcript and the folder its file will stand in -> content, where a file links the recording.
        streams: contents of several recordings, printed one behind the other, say by themselves what belongs to which.
    """

    name: str
    suffix: str
    write: Callable[[Transcript], str]
    read: Callable[[str, str], Transcript]
    write_all: Callable[[Sequence[Transcript]], str] | None = None
    read_all: Callable[[str, str], list[Transcript]] | None = None
    write_beside: Callable[[Transcript, Path], str] | None = None
    streams: bool = False


def only(found: Sequence[Transcript], identity: str) -> Transcript:
    """The one transcript of a file; none is one without text.

    Raises:
        DataError: several.
    """
    if len(found) > 1:
        parts = ((t.id, t.speaker, "" if t.channel is None else f"channel {t.channel + 1}") for t in found)
        names = listed(" ".join(filter(None, part)) for part in parts)
        raise DataError(f"{identity}: {len(found)} transcripts in one file: {names}", "give a file of one, or use read_transcripts")
    return found[0] if found else Transcript(identity, "", 0.0)
