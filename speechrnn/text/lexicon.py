"""Pronunciations: ``WORD<TAB>ph ph ph``, a line a pronunciation; the first of a word is its main one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines
from speechrnn.text.normalize import TextOptions, normalize

Lexicon = dict[str, list[tuple[str, ...]]]
"""Word -> its pronunciations, each a tuple of phones, in the order of the file."""


def read_lexicon(path: str | Path, form: str = "NFC") -> Lexicon:
    """Read a lexicon; UTF-8 or UTF-16 by byte-order mark, CRLF and a missing last newline are taken.

    Args:
        path: the file. A line without a tab is split at its first space; empty lines are skipped.
        form: Unicode form of words and phones.

    Raises:
        DataError: no such file, wrong encoding, a word without phones, nothing in it.
    """
    path = Path(path)
    lexicon: Lexicon = {}
    for number, line in numbered_lines(path, "give a file with a line WORD<TAB>ph ph ph for every word"):
        word, _, phones = line.partition("\t") if "\t" in line else line.strip().partition(" ")
        word = normalize(word, TextOptions(unicode=form))
        pronunciation = tuple(normalize(phones, TextOptions(unicode=form)).split())
        if not word or not pronunciation:
            raise DataError(f"{path}, line {number}: {line!r} lacks a word or its phones", "write WORD<TAB>ph ph ph")
        add(lexicon, word, pronunciation)
    if not lexicon:
        raise DataError(f"{path}: no words in it", "write a line WORD<TAB>ph ph ph for every word")
    return lexicon


def write_lexicon(path: str | Path, lexicon: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """Write a lexicon, words in code point order, pronunciations of a word in their own order."""
    write_text(Path(path), "".join(lines(lexicon)))


def lines(lexicon: Mapping[str, Sequence[Sequence[str]]]) -> list[str]:
    """The lines of the file, each with its line end."""
    return [f"{word}\t{' '.join(phones)}\n" for word in sorted(lexicon) for phones in lexicon[word]]


def add(lexicon: Lexicon, word: str, pronunciation: tuple[str, ...]) -> None:
    """Add a pronunciation unless the word has it already."""
    known = lexicon.setdefault(word, [])
    if pronunciation not in known:
        known.append(pronunciation)


def missing_words(lexicon: Mapping[str, object], texts: Iterable[str]) -> dict[str, int]:
    """Words of the texts that the lexicon lacks, with their counts, the commonest first."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in text.split():
            if word not in lexicon:
                counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
