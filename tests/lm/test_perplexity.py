from __future__ import annotations

import math

import numpy as np
import pytest

from speechrnn.lm.perplexity import SentenceScore, Total


def test_sums_over_sentences_and_texts() -> None:
    one, other = Total("one"), Total("other")
    one.add(SentenceScore("1", ["a", "x", "x"], np.log([0.5, 0.01, 0.01, 0.5]), (1, 2)))
    other.add(SentenceScore("1", ["a"], np.log([0.25, 0.5]), ()))
    other.add(SentenceScore("2", [], np.log([0.5]), ()))
    both = Total("both")
    both.join(one)
    both.join(other)
    assert (both.sentences, both.tokens, both.unknown) == (3, 4, {"x": 2})
    assert both.log10_prob == pytest.approx(math.log10(0.5**5 * 0.25 * 0.01**2 / 0.5))
    assert both.perplexity == pytest.approx(10 ** (-both.log10_prob / 7))
    assert both.perplexity_known == pytest.approx((0.5**4 * 0.25) ** (-1 / 5))


def test_edges() -> None:
    assert math.isnan(Total("nothing").perplexity)
    total = Total("never")
    total.add(SentenceScore("1", ["x"], np.array([-1e6, -1e6]), (0,)))
    assert total.perplexity == math.inf
