"""An n-gram model in flat arrays, read from an ARPA file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from speechrnn.checksum import sha256
from speechrnn.errors import DataError
from speechrnn.lm.arpa import Arpa, Level, read
from speechrnn.lm.symbols import BEGIN, END

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""``log_probs, backoffs, shorter, next_states, table``, as :mod:`speechrnn.lm.ngram_kernels` describes and takes them."""


@dataclass(frozen=True, eq=False)
class NgramModel:
    """An n-gram model with backoff (Katz 1987), of words, phones or letters.

    Logarithms are natural. Words outside the vocabulary are ``<unk>``; where the file lists none, it has log10 probability -100.

    Attributes:
        order: words of the longest n-gram.
        vocabulary: words, by id; 0 is ``<unk>``, the others stand in the order of the file.
        counts: n-grams of each order, unigrams first.
        arrays: what the kernels take after ``state, word``.
        checksum: SHA-256 of the file.
        lists_unknown: whether the file has ``<unk>``.
    """

    order: int
    vocabulary: tuple[str, ...] = field(repr=False)
    counts: tuple[int, ...]
    arrays: Arrays = field(repr=False)
    checksum: str = ""
    lists_unknown: bool = True

    @classmethod
    def read_arpa(cls, path: str | Path) -> NgramModel:
        """Read an ARPA file, plain or compressed by gzip.

        An n-gram whose words without the first are not listed is taken as KenLM takes it: that shorter history has weight 1. One
        whose words without the last are not listed is refused, by KenLM too.

        Raises:
            DataError: as :func:`speechrnn.lm.arpa.read`; an n-gram twice, without its beginning; no ``<s>`` or no ``</s>``.
        """
        path = Path(path)
        arpa = read(path)
        for word in (BEGIN, END):
            if word not in arpa.vocabulary:
                raise DataError(f"{path}: {word} is not among the unigrams", "estimate a model of sentences, with <s> and </s>")
        counts = tuple(len(level.words) for level in arpa.levels)
        arrays = _arrays(arpa, str(path))
        return cls(len(counts), arpa.vocabulary, counts, arrays, sha256(path), arpa.lists_unknown)

    @property
    def description(self) -> str:
        """What it is, for reports."""
        return f"{self.order}-gram"

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.vocabulary)}

    @cached_property
    def end(self) -> int:
        """Id of the sentence end."""
        return self._ids[END]

    def word_id(self, word: str) -> int:
        """Id of a word; 0 for one outside the vocabulary."""
        return self._ids.get(word, 0)

    def knows(self, word: str) -> bool:
        """Whether a word is in the vocabulary; ``<unk>`` itself is not."""
        return self.word_id(word) != 0

    def start_state(self) -> int:
        """The state before a sentence's first word."""
        return int(self.arrays[3][1 + self._ids[BEGIN]])

    def advance(self, state: int, word_id: int) -> tuple[float, int]:
        """Log probability of a word after a state, and the state then. Kernels call ``ngram_kernels.advance`` themselves."""
        from speechrnn.lm.ngram_kernels import advance

        return advance(state, word_id, *self.arrays)

    def foretell(self, state: int) -> np.ndarray:
        """Log probabilities of all K words of the vocabulary after a state; float64, shape (K,)."""
        from speechrnn.lm.ngram_kernels import foretell

        return foretell(state, len(self.vocabulary), *self.arrays)

    def finish(self, state: int) -> float:
        """Log probability that the sentence ends after a state."""
        return self.advance(state, self.end)[0]

    def score(self, words: Sequence[str]) -> np.ndarray:
        """Log probabilities of the L words of a sentence and of its end; float64, shape (L + 1,)."""
        return self.score_many([words])[0]

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """The same for many sentences, faster."""
        from speechrnn.lm.ngram_kernels import score_sentences

        coded = [[self._ids.get(word, 0) for word in words] for words in sentences]
        ends = np.cumsum([len(words) for words in coded], dtype=np.int64)
        flat = np.fromiter((word for words in coded for word in words), np.int32, int(ends[-1]) if coded else 0)
        scores = score_sentences(flat, ends, self.start_state(), self.end, *self.arrays)
        return np.split(scores, (ends + np.arange(1, len(ends) + 1))[:-1]) if coded else []

    def unknown(self, words: Iterable[str]) -> list[str]:
        """Those of the words that are not in the vocabulary, in their order."""
        return [word for word in words if not self.knows(word)]


def _arrays(arpa: Arpa, where: str) -> Arrays:
    """The trie of an ARPA file's n-grams: nodes order by order, then what links them."""
    from speechrnn.lm.ngram_kernels import find_parents, find_suffixes, insert, link_states

    table = _empty_table(1)
    first = 1 + len(arpa.vocabulary)
    n_nodes = first + sum(len(level.words) for level in arpa.levels[1:])
    suffixes = np.zeros(n_nodes, np.int32)
    matters = np.zeros(n_nodes, np.bool_)
    for level in arpa.levels[1:]:
        last_words = np.ascontiguousarray(level.words[:, -1])
        parents = find_parents(level.words, table)
        if len(parents) and parents.min() < 0:
            _no_beginning(arpa, level, int(np.argmin(parents)), where)
        table = _room_for(table, first - 1 - len(arpa.vocabulary) + len(parents))
        twice = insert(parents, last_words, first, table)
        if twice >= 0:
            raise DataError(f"{where}: the n-gram {_spelled(arpa, level.words[twice])!r} is listed twice", "estimate it anew")
        suffixes[first : first + len(parents)] = find_suffixes(parents, last_words, suffixes, table)
        matters[parents] = True
        first += len(parents)
    log_probs = np.concatenate([np.zeros(1, np.float32), *(level.log_probs for level in arpa.levels)])
    backoffs = np.concatenate([np.zeros(1, np.float32), *(level.backoffs for level in arpa.levels)])
    # The longest n-grams are nobody's history, whatever a file writes behind them.
    backoffs[n_nodes - len(arpa.levels[-1].words) :] = 0
    next_states = link_states(suffixes, matters | (backoffs != 0))
    return log_probs, backoffs, next_states[suffixes], next_states, table


def _empty_table(n_rows: int) -> np.ndarray:
    table = np.empty((n_rows, 2), np.int64)
    table.fill(-1)
    return table


def _room_for(table: np.ndarray, n_ngrams: int) -> np.ndarray:
    """The hash table with at most three rows of four taken by ``n_ngrams``; a power of two of them."""
    from speechrnn.lm.ngram_kernels import enlarge

    n_rows = 1 << int(4 * n_ngrams // 3).bit_length()
    if n_rows <= len(table):
        return table
    larger = _empty_table(n_rows)
    enlarge(table, larger)
    return larger


def _spelled(arpa: Arpa, words: np.ndarray) -> str:
    return " ".join(arpa.vocabulary[word] for word in words)


def _no_beginning(arpa: Arpa, level: Level, index: int, where: str) -> None:
    words = level.words[index]
    ngram, beginning = _spelled(arpa, words), _spelled(arpa, words[:-1])
    raise DataError(
        f"{where}: the n-gram {ngram!r} is listed, its beginning {beginning!r} is not",
        "estimate it anew, or prune it by a tool that keeps every beginning",
    )
