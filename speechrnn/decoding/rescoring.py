"""A second look at the readings of a beam, by what foretells whole sentences: an n-gram of higher order, a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from speechrnn.decoding.beam import Hypothesis


class Scorer(Protocol):
    """What foretells sentences. :class:`~speechrnn.lm.ngram.NgramModel` is one."""

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Natural log probabilities of the L words of each sentence and of its end, each of shape (L + 1,)."""


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
