"""N-grams of a text, counted by sorting."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from speechrnn.errors import DataError
from speechrnn.lm.symbols import BEGIN, END, RESERVED, UNKNOWN

UNKNOWN_ID, BEGIN_ID, END_ID = 0, 1, 2


@dataclass(frozen=True)
class Corpus:
    """A text as numbers.

    Attributes:
        vocabulary: ``<unk>``, ``<s>``, ``</s>``, then the words in code point order; an id is an index.
        tokens: int32, shape (T,): the sentences one after the other, each between ``<s>`` and ``</s>``.
    """

    vocabulary: tuple[str, ...]
    tokens: np.ndarray


@dataclass(frozen=True)
class CountedOrder:
    """The n-grams of one order, sorted by the ids of their words.

    Attributes:
        parents: int32, shape (M,): index, in the order below, of the n-gram without its last word; unigrams: 0.
        words: int32, shape (M,): the last word.
        suffixes: int32, shape (M,): index, in the order below, of the n-gram without its first word; unigrams: 0.
        counts: int64, shape (M,): how often it occurs.
        begins: bool, shape (M,): its first word is ``<s>``.
    """

    parents: np.ndarray
    words: np.ndarray
    suffixes: np.ndarray
    counts: np.ndarray
    begins: np.ndarray

    def __len__(self) -> int:
        return len(self.words)


def encode(sentences: Iterable[Sequence[str]], min_count: int = 1) -> Corpus:
    """Turn sentences into numbers.

    Args:
        sentences: words of each; those without any are skipped.
        min_count: words that occur less often become ``<unk>``.

    Raises:
        DataError: no sentences; ``<s>``, ``</s>`` or ``<unk>`` among the words.
    """
    ids: dict[str, int] = {}
    tokens = array("i")
    for words in sentences:
        if words:
            tokens.append(BEGIN_ID)
            tokens.extend([ids.setdefault(word, len(ids) + 3) for word in words])
            tokens.append(END_ID)
    if not ids:
        raise DataError("no words to estimate a model from", "give texts with a sentence a line")
    for word in RESERVED:
        if word in ids:
            raise DataError(f"the word {word} stands in the texts", "remove it: sentences get their <s> and </s> by themselves")
    return _sorted(ids, np.array(tokens, np.int32), min_count)


def _sorted(ids: dict[str, int], tokens: np.ndarray, min_count: int) -> Corpus:
    """Ids in code point order, so that the order of the texts does not matter; rare words become ``<unk>``."""
    counts = np.bincount(tokens, minlength=len(ids) + 3)
    kept = sorted(word for word, index in ids.items() if counts[index] >= min_count)
    final = np.full(len(ids) + 3, UNKNOWN_ID, np.int32)
    final[[BEGIN_ID, END_ID]] = BEGIN_ID, END_ID
    for place, word in enumerate(kept, 3):
        final[ids[word]] = place
    return Corpus((UNKNOWN, BEGIN, END, *kept), final[tokens])


def count_ngrams(corpus: Corpus, order: int) -> list[CountedOrder]:
    """Count the n-grams of each order up to ``order``, or up to the longest that a sentence holds.

    An n-gram lies within one sentence; ``<s>`` is only its first word, ``</s>`` only its last.
    """
    tokens = corpus.tokens
    n_words = len(corpus.vocabulary)
    words = np.arange(n_words, dtype=np.int32)
    zeros = np.zeros(n_words, np.int32)
    orders = [CountedOrder(zeros, words, zeros, np.bincount(tokens, minlength=n_words), words == BEGIN_ID)]
    # The n-gram that ends at each place of the text; -1 where it would reach over the sentence's begin.
    ending = tokens
    for _ in range(order - 1):
        counted, ending = _longer(tokens, ending, orders[-1], n_words)
        if not len(counted):
            break
        orders.append(counted)
    return orders


def _longer(tokens: np.ndarray, ending: np.ndarray, below: CountedOrder, n_words: int) -> tuple[CountedOrder, np.ndarray]:
    """N-grams of the next order, from those ``below``; ``ending`` is int32 of shape (T,) for both."""
    places = np.flatnonzero((ending[:-1] >= 0) & (tokens[1:] != BEGIN_ID)) + 1
    keys = ending[places - 1].astype(np.int64) * n_words + tokens[places]
    by_key = np.argsort(keys)
    keys = keys[by_key]
    places = places[by_key]
    del by_key
    is_first = np.diff(keys, prepend=-1) != 0
    del keys
    firsts = np.flatnonzero(is_first)
    found = np.full(len(tokens), -1, np.int32)
    found[places] = np.cumsum(is_first, dtype=np.int32) - 1
    counts = np.diff(np.append(firsts, len(places)))
    places = places[firsts]
    parents = ending[places - 1]
    return CountedOrder(parents, tokens[places], ending[places], counts, below.begins[parents]), found
