"""A second look at the readings of a beam, by what foretells whole sentences: an n-gram of higher order, a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from speechrnn.decoding.beam import Hypothesis

REMEMBERED = 200_000
"""Sentences whose scores :class:`Remembering` keeps."""


class Scorer(Protocol):
    """What foretells sentences."""

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Natural log probabilities of the L words of each sentence and of its end, each of shape (L + 1,)."""


class Rescorer(Scorer, Protocol):
    """A scorer as a decoder is given it: an :class:`~speechrnn.lm.ngram.NgramModel`, or a recurrent language model."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What it foretells, ``<unk>``, ``<s>`` and ``</s>`` included: the decoder sees by it whether these are words or tokens."""

    @property
    def checksum(self) -> str:
        """SHA-256, by which reports name it."""

    @property
    def description(self) -> str:
        """What it is, for reports."""


class Remembering:
    """A rescorer that keeps what it said of sentences: tuning asks for the same ones with every setting of the weights."""

    def __init__(self, scorer: Rescorer) -> None:
        self._scorer = scorer
        self._known: dict[tuple[str, ...], np.ndarray] = {}
        self.vocabulary, self.checksum, self.description = scorer.vocabulary, scorer.checksum, scorer.description

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """As the scorer does."""
        asked = [tuple(sentence) for sentence in sentences]
        found = {sentence: self._known[sentence] for sentence in asked if sentence in self._known}
        new = [sentence for sentence in dict.fromkeys(asked) if sentence not in found]
        found.update(zip(new, self._scorer.score_many(new), strict=True))
        if len(self._known) < REMEMBERED:
            self._known.update((sentence, found[sentence]) for sentence in new)
        return [found[sentence] for sentence in asked]


def rescore(
    hypotheses: Sequence[Hypothesis], sentences: Sequence[Sequence[str]], scorer: Scorer, weight: float
) -> list[Hypothesis]:
    """Hypotheses with ``weight`` times what a scorer gives their sentences added to their scores, best first.

    Of equal ones the one that stood first stays first.
    """
    if not hypotheses:
        return []
    gained = [weight * float(found.sum()) for found in scorer.score_many(sentences)]
    rescored = [replace(one, score=one.score + gain) for one, gain in zip(hypotheses, gained, strict=True)]
    return sorted(rescored, key=lambda one: -one.score)
