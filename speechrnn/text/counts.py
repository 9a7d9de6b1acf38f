"""``counts.tsv``: how often the training texts hold each word; tells words of equal sound apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines

COUNTS = "counts.tsv"
"""Its name in a model directory."""


def counts_text(counts: Mapping[str, int]) -> str:
    """The content of the file: ``WORD<TAB>COUNT``, words in code point order."""
    return "".join(f"{word}\t{count}\n" for word, count in sorted(counts.items()))


def read_counts(file: Path) -> dict[str, int]:
    """Counts by word.

    Raises:
        DataError: a line that is no word and count.
    """
    counts = {}
    for number, line in numbered_lines(file):
        word, _, count = line.partition("\t")
        if not (count.isascii() and count.isdigit() and len(count) < 16):
            raise DataError(f"{file}, line {number}: {line!r} is not WORD<TAB>COUNT", "fetch or train the model again")
        counts[word] = int(count)
    return counts
