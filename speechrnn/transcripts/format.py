"""What a transcript format is: a name, a file ending, a writer and a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from speechrnn.records import Transcript


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes:
        name: as on the command line.
        suffix: of its files, with the dot.
        write: transcript -> content of its file, ending in a newline.
        read: content and id -> transcript, with as much as the format holds; DataError where the content is not of this format.
    """

    name: str
    suffix: str
    write: Callable[[Transcript], str]
    read: Callable[[str, str], Transcript]
