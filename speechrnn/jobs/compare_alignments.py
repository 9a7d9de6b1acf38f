"""Two alignments of the same recordings, whoever made them, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from speechrnn.errors import DataError, listed
from speechrnn.jobs.align import MANIFESTS
from speechrnn.jobs.naming import file_name
from speechrnn.records import Token, Transcript, Word
from speechrnn.scoring.boundaries import Distance, Paired, distance, pair
from speechrnn.text.files import numbered_lines

if TYPE_CHECKING:
    from speechrnn.data.utterance import Utterance

Span = TypeVar("Span", Word, Token)
WITH_TOKENS = ("json", "TextGrid", "tsv", "eaf", "ctm")
"""Formats that hold an alignment; of a recording's files the first of these is read."""


@dataclass(frozen=True, slots=True)
class Times:
    """The words and tokens of one recording; empty where the alignment lacks the level."""

    words: tuple[Word, ...]
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """How far one kind of boundaries lies apart: ``level`` word or token, ``boundary`` start, end or all."""

    level: str
    boundary: str
    distance: Distance


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two alignments side by side.

    Attributes:
        rows: in the order they are shown.
        recordings: in both alignments.
        only_a, only_b: recordings in one of them.
        alone: level -> labels of the first and of the second alignment without a partner.
    """

    rows: tuple[Row, ...]
    recordings: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    alone: Mapping[str, tuple[int, int]]


def compare(a: Path, b: Path) -> Comparison:
    """Boundaries of the second alignment against those of the first.

    Args:
        a, b: each a manifest whose utterances are aligned, a file with times, or a folder of such files. Recordings are the same
            where their ids, or names of files, are; two files of one recording each are always compared.

    Raises:
        DataError: no such path, nothing aligned in it, or nothing in both.
    """
    first, second = read_alignments(a), read_alignments(b)
    if len(first) == 1 and len(second) == 1:
        second = dict(zip(first, second.values(), strict=True))
    both = [name for name in first if name in second]
    if not both:
        raise DataError(
            f"{a} and {b} have no recording in common: {listed(first, 3)}; {listed(second, 3)}",
            "files are matched by their names without ending, utterances by their ids",
        )
    rows: list[Row] = []
    alone = {}
    for level in ("words", "tokens"):
        paired = pair([getattr(first[name], level) for name in both], [getattr(second[name], level) for name in both])
        if len(paired.starts):
            alone[level.removesuffix("s")] = (paired.only_a, paired.only_b)
            rows += _rows(level.removesuffix("s"), paired)
    if not rows:
        raise DataError(f"{a} and {b} share no label", "compare alignments of the same texts, with words or with phones in both")
    only_a, only_b = (tuple(name for name in one if name not in other) for one, other in ((first, second), (second, first)))
    return Comparison(tuple(rows), len(both), only_a, only_b, alone)


def _rows(level: str, paired: Paired) -> list[Row]:
    import numpy as np

    both = np.concatenate([paired.starts, paired.ends])
    return [
        Row(level, "start", distance(paired.starts, paired.utterance)),
        Row(level, "end", distance(paired.ends, paired.utterance)),
        Row(level, "all", distance(both, np.tile(paired.utterance, 2))),
    ]


def read_alignments(path: Path) -> dict[str, Times]:
    """Times by recording, known by the name that its file has or would have.

    Raises:
        DataError: no such path; a file that cannot be read; nothing aligned in it.
    """
    if path.name.endswith(MANIFESTS):
        found = _of_manifest(path)
    elif path.is_dir():
        found = _of_folder(path)
    else:
        found = _of_file(path, path.stem)
    if not found:
        formats = ", ".join(WITH_TOKENS)
        raise DataError(f"{path}: no alignment in it", f"give a manifest with alignments, or files with times: {formats}")
    return found


def _of_manifest(path: Path) -> dict[str, Times]:
    from speechrnn.data.manifest import read_manifest

    return {file_name(utterance.id): _times(utterance) for utterance in read_manifest(path) if utterance.alignment}


def _times(utterance: Utterance) -> Times:
    def spans(level: str) -> list[tuple[str, float, float, float]]:
        return [(item.symbol, item.start, item.end, item.score or 0.0) for item in utterance.alignment.get(level, ())]

    return Times(tuple(Word(*span) for span in spans("word")), tuple(Token(*span) for span in spans("phone")))


def _of_folder(folder: Path) -> dict[str, Times]:
    from speechrnn.transcripts.registry import FORMATS

    suffixes = [FORMATS[name].suffix for name in WITH_TOKENS]
    files: dict[str, Path] = {}
    for suffix in suffixes:
        for path in sorted(folder.rglob(f"*{suffix}")):
            files.setdefault(str(path.relative_to(folder))[: -len(suffix)], path)
    found: dict[str, Times] = {}
    for name, path in files.items():
        found |= _of_file(path, name)
    return found


def _of_file(path: Path, name: str) -> dict[str, Times]:
    """A file of one recording is known by its name, those of a file of several by their own ids."""
    by_id: dict[str, list[Transcript]] = {}
    for transcript in _transcripts(path):
        by_id.setdefault(transcript.id, []).append(transcript)
    found = {}
    for identity, several in by_id.items():
        words = _in_order([word for transcript in several for word in transcript.words])
        tokens = _in_order([token for transcript in several for token in transcript.tokens])
        if words or tokens:
            found[name if len(by_id) == 1 else file_name(identity)] = Times(tuple(words), tuple(tokens))
    return found


def _transcripts(path: Path) -> list[Transcript]:
    """The transcripts of a file; of JSON also one a line, as it is printed."""
    from speechrnn.transcripts import json_record
    from speechrnn.transcripts.files import read_transcripts

    if path.suffix == ".json":
        lines = [(number, line) for number, line in numbered_lines(path) if line.startswith("{") and line.endswith("}")]
        if len(lines) > 1:
            return [json_record.read(line, f"{path}, line {number}") for number, line in lines]
    return read_transcripts(path)


def _in_order(spans: Sequence[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start, span.end))
