"""Writing ARPA files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from speechrnn.atomic import atomic_path
from speechrnn.lm.counting import BEGIN_ID
from speechrnn.lm.estimate import Estimate, EstimatedOrder

BLOCK_ROWS = 50_000
"""N-grams formatted at a time."""
NEVER = -99.0
"""log10 probability written for ``<s>``."""
Track = Callable[[Iterable[str], str, int], Iterable[str]]
"""Iterates with a progress bar: items, what is done, how many."""


def write_arpa(path: str | Path, model: Estimate, track: Track | None = None) -> None:
    """Write a model whole or not at all; compressed where the name ends in ``.gz``, the same bytes for the same model.

    Probabilities stand behind tabs, words are separated by spaces, n-grams are sorted by the ids of their words. Every n-gram but
    the longest has a backoff weight.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    n_blocks = 2 + sum(-(-count // BLOCK_ROWS) for count in model.counts)
    blocks: Iterable[str] = _blocks(model)
    if track:
        blocks = track(blocks, f"writing {path.name}", n_blocks)
    with atomic_path(path) as temporary, temporary.open("wb") as raw:
        if path.suffix == ".gz":
            # Neither name nor time of the file is kept.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed:
                _write(packed, blocks)
        else:
            _write(raw, blocks)


def _write(stream: IO[bytes] | gzip.GzipFile, blocks: Iterable[str]) -> None:
    for block in blocks:
        stream.write(block.encode("utf-8"))


def _blocks(model: Estimate) -> Iterator[str]:
    """The text of the file."""
    yield "\\data\\\n" + "".join(f"ngram {n}={count}\n" for n, count in enumerate(model.counts, 1))
    for n in range(1, len(model.orders) + 1):
        order = model.orders[n - 1]
        head = f"\n\\{n}-grams:\n"
        rows = np.flatnonzero(order.kept)
        for start in range(0, len(rows), BLOCK_ROWS):
            yield head + _lines(model, n, rows[start : start + BLOCK_ROWS])
            head = ""
    yield "\n\\end\\\n"


def _lines(model: Estimate, n: int, rows: np.ndarray) -> str:
    order = model.orders[n - 1]
    words = [" ".join(ngram) for ngram in zip(*_words(model, n, rows), strict=True)]
    log_probs = _log10(order, rows).tolist()
    if n == len(model.orders):
        return "".join([f"{log_prob:.8g}\t{text}\n" for log_prob, text in zip(log_probs, words, strict=True)])
    backoffs = np.log10(order.weights[rows]).tolist()
    columns = zip(log_probs, words, backoffs, strict=True)
    return "".join([f"{log_prob:.8g}\t{text}\t{backoff:.8g}\n" for log_prob, text, backoff in columns])


def _log10(order: EstimatedOrder, rows: np.ndarray) -> np.ndarray:
    probabilities = order.probabilities[rows]
    with np.errstate(divide="ignore"):
        # Rounding must not make a probability larger than 1.
        log_probs = np.minimum(np.log10(probabilities), 0.0)
    never = (order.counted.words[rows] == BEGIN_ID) & (probabilities == 0)
    return np.where(never, NEVER, log_probs)


def _words(model: Estimate, n: int, rows: np.ndarray) -> list[list[str]]:
    """The words of n-grams, a list a place."""
    columns = []
    for order in reversed(model.orders[:n]):
        columns.append([model.vocabulary[word] for word in order.counted.words[rows].tolist()])
        rows = order.counted.parents[rows]
    return columns[::-1]
