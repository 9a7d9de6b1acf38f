"""Plain files of references or hypotheses: a line an utterance, ``id text``, as Kaldi's ``text``."""

from __future__ import annotations

from pathlib import Path

from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines


def read_id_text(path: Path) -> dict[str, str]:
    """Texts by id, in the order of the file. A line that is only an id has an empty text.

    Raises:
        DataError: no such file, another encoding, empty, an id that occurs twice.
    """
    texts: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in numbered_lines(path):
        identity, *rest = line.split(maxsplit=1)
        if identity in lines:
            raise DataError(
                f"{path}, line {number}: the id {identity!r} occurs in line {lines[identity]} already",
                "keep one line for each utterance",
            )
        lines[identity] = number
        texts[identity] = rest[0].strip() if rest else ""
    if not texts:
        raise DataError(f"{path}: empty", "write a line for each utterance: its id, a space, its text")
    return texts
