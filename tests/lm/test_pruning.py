"""Pruning by entropy against its definition: the change of the model's relative entropy, summed over every word."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from speechrnn.lm.estimate import Estimate, EstimateOptions, estimate
from speechrnn.lm.pruning import prune_by_entropy


def sentences(seed: int = 2) -> list[list[str]]:
    generator = random.Random(seed)
    return [[generator.choice("aaabbcdef") for _ in range(generator.randint(1, 6))] for _ in range(60)]


def distribution(model: Estimate, history: int, without: int | None = None) -> np.ndarray:
    """p(word | history) of a bigram model for every word but ``<s>``, by definition; ``without`` one listed bigram."""
    unigrams, bigrams = model.orders
    rows = [row for row in np.flatnonzero(bigrams.kept) if bigrams.counted.parents[row] == history and row != without]
    words = bigrams.counted.words[rows]
    shorter = unigrams.probabilities
    weight = (1 - bigrams.probabilities[rows].sum()) / (1 - shorter[words].sum())
    found = weight * shorter
    found[words] = bigrams.probabilities[rows]
    assert found.sum() == pytest.approx(1)
    return np.delete(found, 1)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
def test_an_ngram_goes_where_the_perplexity_rises_by_less_than_the_threshold(smoothing: str) -> None:
    model = estimate(sentences(), EstimateOptions(2, smoothing))
    counted = model.orders[1].counted
    total = model.orders[0].counted.counts.sum()
    costs = []
    for row, history in enumerate(counted.parents):
        before, after = distribution(model, history), distribution(model, history, without=row)
        share = model.orders[0].counted.counts[history] / total
        costs.append(math.expm1(share * (before * np.log(before / after)).sum()))
    for threshold in np.quantile(costs, [0.1, 0.5, 0.9]) + 1e-12:
        pruned = prune_by_entropy(model, float(threshold))
        assert pruned.orders[1].kept.tolist() == [cost >= threshold for cost in costs]
        assert 0 < pruned.counts[1] < model.counts[1]


def test_beginnings_of_kept_ngrams_are_kept() -> None:
    model = estimate(sentences(), EstimateOptions(4, "witten-bell"))
    pruned = prune_by_entropy(model, 1e-3)
    assert 0 < pruned.counts[3] < model.counts[3]
    for shorter, longer in zip(pruned.orders, pruned.orders[1:], strict=False):
        assert shorter.kept[longer.counted.parents[longer.kept]].all()


def test_nothing_is_lost_by_a_threshold_that_nothing_falls_below() -> None:
    model = estimate(sentences(), EstimateOptions(3))
    same = prune_by_entropy(model, 1e-15)
    assert same.counts == model.counts
    for one, other in zip(same.orders, model.orders, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities)
        np.testing.assert_allclose(one.weights, other.weights)


def test_a_higher_threshold_keeps_less_and_foretells_worse() -> None:
    def entropy(model: Estimate) -> float:
        order = model.orders[-1]
        return -float((order.counted.counts * np.log(order.probabilities)).sum())

    models = [estimate(sentences(), EstimateOptions(3, entropy=threshold)) for threshold in (0, 1e-4, 1e-3)]
    assert models[0].counts[1:] > models[1].counts[1:] > models[2].counts[1:]
    assert entropy(models[0]) < entropy(models[1]) < entropy(models[2])


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
def test_texts_that_repeat_themselves_leave_next_to_nothing_and_stay_finite(smoothing: str) -> None:
    # Only x and y tell what comes five words later, so n-grams stay whose words leave less of 1 than the sums can tell.
    repeated = [["x", "a", "b", "c", "d", "e"], ["y", "a", "b", "c", "d", "f"]] * 50_000
    model = estimate(repeated, EstimateOptions(6, smoothing, entropy=1e-9))
    assert model.counts[5] > 0
    for order in model.orders:
        assert np.isfinite(np.log(order.weights)).all()
        assert (order.weights > 0).all()
        assert (order.probabilities[order.kept] <= 1 + 1e-12).all()
