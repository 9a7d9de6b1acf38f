"""How well a model foretells texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """A sentence under a model.

    Attributes:
        place: its line, or its utterance's id.
        tokens: L of them.
        log_probs: float64, shape (L + 1,): natural logarithms, the sentence end last.
        unknown: those of the tokens that are outside the vocabulary, by index.
    """

    place: str
    tokens: Sequence[str]
    log_probs: np.ndarray
    unknown: tuple[int, ...]


@dataclass
class Total:
    """Sums over sentences.

    Attributes:
        name: of the text.
        sentences, tokens: how many; sentence ends are no tokens.
        unknown: tokens outside the vocabulary, counted.
        log_prob: natural logarithm, of all tokens and sentence ends.
        log_prob_unknown: the part of the unknown tokens in it.

    >>> total = Total("text")
    >>> total.add(SentenceScore("1", ["a", "x"], np.log([0.5, 0.001, 0.5]), (1,)))
    >>> round(total.perplexity, 2), round(total.perplexity_known, 2), total.unknown
    (15.87, 2.0, Counter({'x': 1}))
    """

    name: str
    sentences: int = 0
    tokens: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    log_prob: float = 0.0
    log_prob_unknown: float = 0.0

    def add(self, score: SentenceScore) -> None:
        """Count a sentence."""
        self.sentences += 1
        self.tokens += len(score.tokens)
        self.unknown.update(score.tokens[index] for index in score.unknown)
        self.log_prob += float(score.log_probs.sum())
        self.log_prob_unknown += float(score.log_probs[list(score.unknown)].sum())

    def join(self, other: Total) -> None:
        """Count another text's sentences too."""
        self.sentences += other.sentences
        self.tokens += other.tokens
        self.unknown.update(other.unknown)
        self.log_prob += other.log_prob
        self.log_prob_unknown += other.log_prob_unknown

    @property
    def log10_prob(self) -> float:
        """log10 probability of all tokens and sentence ends."""
        return self.log_prob / math.log(10)

    @property
    def perplexity(self) -> float:
        """Over all tokens and sentence ends; NaN without sentences."""
        return _perplexity(self.log_prob, self.tokens + self.sentences)

    @property
    def perplexity_known(self) -> float:
        """Over the known tokens and the sentence ends; NaN without sentences."""
        return _perplexity(self.log_prob - self.log_prob_unknown, self.tokens - self.unknown.total() + self.sentences)


def _perplexity(log_prob: float, number: int) -> float:
    if not number:
        return math.nan
    mean = -log_prob / number
    return math.exp(mean) if mean < 700 else math.inf
