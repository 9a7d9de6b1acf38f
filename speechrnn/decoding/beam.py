"""CTC beam search: what a model hears, weighed with what a language model, a lexicon and hotwords expect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from speechrnn.decoding.hotwords import build_automaton
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.trie import Trie, build_trie
from speechrnn.decoding.viterbi import log_probability

if TYPE_CHECKING:
    from speechrnn.lm.ngram import Arrays, NgramModel

RESCORED = 1.0
"""Readings so many nats below the best are scored anew, exactly: a search loses what a reading had while it was out of the beam,
on Mboshi up to 0.65 nats, and 0.25 more than that of another reading."""
_EQUAL = 1e-3
"""Nats by which a language model must tell words of equal sound apart, lest their counts do."""

Pronunciations = Mapping[str, Sequence[Sequence[int]]]
"""Word -> how it may be written in token ids, without the word boundary."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """One way to read an utterance.

    Attributes:
        ids: int64, shape (L,): token ids, word boundaries among them; of a word with several pronunciations the likeliest.
        words: the words, where a lexicon was used; "" for a spelled one.
        ends: index into ``ids`` after each word, its boundary counted in.
        acoustic: natural log probability of the reading, summed over its alignments; of rarer words of equal sound less.
        score: ``acoustic`` with language models, bonuses and hotwords.
        whole: False where the search ended in the midst of a word, and what follows ``ids`` was lost.
    """

    ids: np.ndarray
    words: tuple[str, ...]
    ends: tuple[int, ...]
    acoustic: float
    score: float
    whole: bool = True


class BeamSearch:
    """A search set up once for a model and its helpers, then run on any number of utterances.

    Args:
        n_tokens: K, the blank (0) counted in.
        options: widths and weights.
        space: token id of the word boundary, -1 where the model has none.
        lexicon: words and their pronunciations; None: symbols are free.
        counts: how often words occur: of words of equal sound that ``word_lm`` cannot tell apart, all but the most frequent lose
            the logarithm of how much rarer they are.
        word_lm: over words; needs a lexicon.
        letter_lm: over tokens; with a lexicon it spells unknown words, which are allowed then.
        letter_ids: id in ``letter_lm`` of each token, shape (K,).
        hotwords: phrases as words (with a lexicon) or token ids (without), and their bonuses in nats.
    """

    def __init__(
        self,
        n_tokens: int,
        options: DecodingOptions,
        *,
        space: int = -1,
        lexicon: Pronunciations | None = None,
        counts: Mapping[str, int] | None = None,
        word_lm: NgramModel | None = None,
        letter_lm: NgramModel | None = None,
        letter_ids: np.ndarray | None = None,
        hotwords: Iterable[tuple[Sequence[int], float]] = (),
    ) -> None:
        from speechrnn.decoding.history_kernels import BOTH, SPELL, WORDS

        self.options, self.space, self.n_tokens = options, space, n_tokens
        self.mode = SPELL if lexicon is None else WORDS if letter_lm is None else BOTH
        self.words = tuple(lexicon) if lexicon is not None else ()
        self._word_lm = _LmTables(word_lm)
        self._letter_lm = _LmTables(letter_lm)
        n_words = len(self.words)
        found = [self._word_lm.id(word) for word in self.words]
        self._word_ids = np.array([*found, 0, self._word_lm.end], np.int64)
        letters = np.zeros(n_tokens, np.int64) if letter_ids is None else letter_ids
        self._letter_ids = np.append(letters, self._letter_lm.end).astype(np.int64)
        n_items = n_words + n_tokens + 1
        if lexicon is None:
            phrases = [([n_words + token for token in phrase], bonus) for phrase, bonus in hotwords]
            self._hot = build_automaton(phrases, n_items, n_words + space if space >= 0 else -1)
        else:
            self._hot = build_automaton(hotwords, n_items)
        self._trie = self._build_trie(lexicon or {}, found, counts or {})

    def _build_trie(self, lexicon: Pronunciations, lm_ids: list[int], counts: Mapping[str, int]) -> Trie:
        boundary = (self.space,) if self.space >= 0 else ()
        likely = dict(zip(self.words, self._word_lm.unigrams(lm_ids).tolist(), strict=True))
        rarer = _rarer(lexicon, counts, likely)
        entries = [
            (w, (*tokens, *boundary), rarer.get((word, tuple(tokens)), 0.0))
            for w, word in enumerate(self.words)
            for tokens in lexicon[word]
        ]
        gains = self.options.lm_weight * self._word_lm.unigrams(lm_ids) + self.options.word_bonus
        hot = self._hot.gain[0, self._hot.symbols[: len(self.words)]]
        return build_trie(entries, gains + np.maximum(hot, 0.0))

    def __call__(self, log_probs: np.ndarray) -> list[Hypothesis]:
        """The best readings of log posteriors (T, K), best first: ``options.nbest`` of them, or as many as the beam holds."""
        from speechrnn.decoding.beam_kernels import search
        from speechrnn.decoding.history_kernels import SPELL

        o = self.options
        weights = (o.lm_weight, o.word_bonus, o.letter_weight, o.letter_bonus, o.unknown_bonus)
        tree, histories, acoustic, totals, whole = search(
            np.ascontiguousarray(log_probs, np.float32),
            (o.beam, o.tokens or self.n_tokens, float(o.threshold)),
            self.space,
            self._trie.arrays,
            (self._word_lm.start, self._letter_lm.start),
            (
                (len(self.words), self.n_tokens, self.mode),
                tuple(map(float, weights)),
                self._word_ids,
                self._word_lm.arrays,
                self._letter_ids,
                self._letter_lm.arrays,
                self._hot.arrays,
            ),
        )
        near = int((totals >= totals[0] - RESCORED).sum()) if self.mode == SPELL and len(totals) else 0
        found = zip(histories[: max(o.nbest, near)].tolist(), acoustic.tolist(), totals.tolist(), strict=False)
        readings = [self._read(tree, history, heard, total, bool(whole)) for history, heard, total in found]
        readings[:near] = sorted((_exact(log_probs, one) for one in readings[:near]), key=lambda one: -one.score)
        return readings[: o.nbest]

    def _read(self, tree: np.ndarray, history: int, acoustic: float, score: float, whole: bool) -> Hypothesis:
        """Items on the way from the root, as token ids and words."""
        from speechrnn.decoding.history_kernels import ITEM, PARENT, VIA

        n_words = len(self.words)
        path = []
        while history > 0:
            path.append((int(tree[history, ITEM]), int(tree[history, VIA])))
            history = int(tree[history, PARENT])
        ids: list[int] = []
        words: list[str] = []
        ends: list[int] = []
        for item, via in reversed(path):
            if n_words <= item < n_words + self.n_tokens:
                ids.append(item - n_words)
                continue
            if item < n_words:
                ids += self._trie.spelling(via)
                words.append(self.words[item])
            else:
                ids += [self.space] if self.space >= 0 else []
                words.append("")
            ends.append(len(ids))
        return Hypothesis(np.array(ids, np.int64), tuple(words), tuple(ends), acoustic, score, whole)


def _rarer(
    lexicon: Pronunciations, counts: Mapping[str, int], likely: Mapping[str, float]
) -> dict[tuple[str, tuple[int, ...]], float]:
    """How much rarer, as a logarithm, a word is than the most frequent one of its sound, where the language model holds all of
    these for equally likely. Each counts once more than it occurs; without counts all are equal.
    """
    sounds: dict[tuple[int, ...], list[str]] = {}
    for word, several in lexicon.items():
        for tokens in several if counts else ():
            sounds.setdefault(tuple(tokens), []).append(word)
    found: dict[tuple[str, tuple[int, ...]], float] = {}
    for sound, words in sounds.items():
        scores = [likely[word] for word in words]
        if len(words) > 1 and max(scores) - min(scores) < _EQUAL:
            most = max(counts.get(word, 0) for word in words) + 1
            found |= {(word, sound): math.log((counts.get(word, 0) + 1) / most) for word in words}
    return found


def _exact(log_probs: np.ndarray, reading: Hypothesis) -> Hypothesis:
    """A reading of free symbols with the probability of all its alignments."""
    acoustic = log_probability(log_probs, reading.ids)
    return replace(reading, acoustic=acoustic, score=reading.score - reading.acoustic + acoustic)


class _LmTables:
    """A language model as the search takes it; without one every word costs nothing."""

    def __init__(self, model: NgramModel | None) -> None:
        self.model = model
        if model is not None:
            self.arrays = model.arrays if model.lists_unknown else _with_unknown(model)
            self.start, self.end = model.start_state(), model.end
            return
        nothing = np.zeros(2, np.float32)
        self.arrays = (nothing, nothing, np.zeros(2, np.int32), np.zeros(2, np.int32), np.full((2, 2), -1, np.int64))
        self.start = self.end = 0

    def id(self, word: str) -> int:
        """A word's id; 0, the unknown word, where it has none."""
        return 0 if self.model is None else self.model.word_id(word)

    def unigrams(self, ids: Sequence[int]) -> np.ndarray:
        """Log probability of words regardless of what is before them."""
        return np.asarray(self.arrays[0][1 + np.array(ids, np.int64)], np.float64) if len(ids) else np.zeros(0)


def _with_unknown(model: NgramModel) -> Arrays:
    """A model that lists no unknown word gives it 10^-100: here a word that it lacks costs as much as its rarest word."""
    log_probs = model.arrays[0].copy()
    unigrams = log_probs[2 : 1 + len(model.vocabulary)]
    # <s> is never predicted, and is written as 10^-99.
    log_probs[1] = unigrams[unigrams > -99].min(initial=0.0)
    return (log_probs, *model.arrays[1:])
