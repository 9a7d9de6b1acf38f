"""Language models from texts, and texts under language models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from speechrnn.errors import DataError, UsageError
from speechrnn.lm.arpa_writer import write_arpa
from speechrnn.lm.estimate import Estimate, EstimateOptions, estimate
from speechrnn.lm.lines import Lines
from speechrnn.lm.perplexity import SentenceScore
from speechrnn.lm.units import Splitter, UnitOptions
from speechrnn.text.files import numbered_lines

if TYPE_CHECKING:
    from speechrnn.data.prepared import Track

BATCH = 1000
"""Sentences scored at a time."""


class Foretells(Protocol):
    """A language model: an :class:`~speechrnn.lm.ngram.NgramModel`, or what ``speechrnn.load`` opens of kind lm."""

    def knows(self, word: str, /) -> bool:
        """Whether a token is in its vocabulary."""

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Natural log probabilities of the L tokens of each sentence and of its end, each of shape (L + 1,)."""


@dataclass(frozen=True)
class Trained:
    """An estimated model, and how much it was estimated from; sentence ends are no tokens."""

    model: Estimate
    sentences: int
    tokens: int


def train(
    texts: Sequence[Path],
    out: Path,
    units: UnitOptions = UnitOptions(),
    options: EstimateOptions = EstimateOptions(),
    *,
    track: Track | None = None,
) -> Trained:
    """Estimate an n-gram model from texts and write it as an ARPA file.

    Args:
        texts: plain texts, a sentence a line, or manifests (``.jsonl``, ``.jsonl.gz``); a text may be compressed by gzip.
        out: compressed where its name ends in ``.gz``.
        units: how texts become tokens.
        options: how the model is estimated.
        track: shows a progress bar.

    Raises:
        DataError: a text that is missing, empty, not UTF-8, or holds ``<s>``; words without pronunciation; a letter that is not
            among the tokens; a full disk.
        UsageError: phones from a manifest without a lexicon.
    """
    splitter = Splitter(units)
    sizes = []

    def sentences() -> Iterator[list[str]]:
        for path in texts:
            for _, tokens in read_sentences(path, splitter, track=track):
                sizes.append(len(tokens))
                yield tokens
        splitter.check()

    model = estimate(sentences(), options)
    write_arpa(out, model, track)
    return Trained(model, len(sizes), sum(sizes))


def score(
    path: Path, model: Foretells, units: UnitOptions = UnitOptions(), *, track: Track | None = None
) -> Iterator[SentenceScore]:
    """The sentences of a text or manifest under a model, in order.

    Raises:
        DataError, UsageError: as :func:`train`.
    """
    splitter = Splitter(units)
    sentences = read_sentences(path, splitter, track=track)
    while batch := list(islice(sentences, BATCH)):
        scores = model.score_many([tokens for _, tokens in batch])
        for (place, tokens), log_probs in zip(batch, scores, strict=True):
            unknown = tuple(index for index, token in enumerate(tokens) if not model.knows(token))
            yield SentenceScore(place, tokens, log_probs, unknown)
    splitter.check()


def read_sentences(path: Path, splitter: Splitter, *, track: Track | None = None) -> Iterator[tuple[str, list[str]]]:
    """Line or utterance id, and tokens, of the sentences of a text or manifest; those without tokens are skipped.

    Raises:
        DataError, UsageError: as :func:`train`.
    """
    manifest = path.name.endswith((".jsonl", ".jsonl.gz"))
    if manifest and splitter.options.unit == "phone" and splitter.options.lexicon is None:
        raise UsageError(f"{path} holds words, and no lexicon tells their phones", "give --lexicon lexicon.txt")
    lines: Iterable[tuple[str, str]] = _utterances(path) if manifest else _lines(path)
    if track is not None:
        lines = track(lines, f"reading {path.name}")
    empty = True
    for place, line in lines:
        tokens = splitter.tokens(line, f"{path}, {'utterance' if manifest else 'line'} {place}")
        if tokens:
            empty = False
            yield place, tokens
    if empty and not splitter.missing:
        raise DataError(f"{path}: no sentences in it", "give a text with a sentence a line, or a manifest")


def _utterances(path: Path) -> Iterator[tuple[str, str]]:
    from speechrnn.data.manifest import read_manifest

    for utterance in read_manifest(path):
        yield utterance.id, utterance.text


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix != ".gz":
        for number, line in numbered_lines(path, "give a text with a sentence a line"):
            yield str(number), line
        return
    with closing(Lines(path)) as lines:
        while (content := lines.content()) is not None:
            try:
                yield str(lines.number), content.decode("utf-8")
            except UnicodeDecodeError:
                raise DataError(f"{path}, line {lines.number}: not utf-8", "save the file as UTF-8") from None
