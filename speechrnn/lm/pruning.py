"""Leaving out the n-grams that a model can do without.

Stolcke, "Entropy-based pruning of backoff language models", DARPA Broadcast News Workshop (1998).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from speechrnn.lm.estimate import Estimate, EstimatedOrder

LEAST = 1e-15
"""Less than this cannot be told from 0 when it is what sums of probabilities leave of 1."""


def prune_by_entropy(model: Estimate, threshold: float) -> Estimate:
    """Leave out every n-gram whose removal alone raises the model's perplexity by less than ``threshold`` (a share).

    Highest order first; the beginning of a kept n-gram is kept. The backoff weights are then set anew, so that the
    probabilities after each history sum to 1. The paper takes a history's probability from the model; here it is its relative
    frequency in the texts, because the lower orders of a Kneser-Ney model are no probabilities of histories (Chelba et al. 2010).
    """
    orders = list(model.orders)
    total = int(orders[0].counted.counts.sum())
    needed = np.zeros(len(orders[-1].kept), np.bool_)
    for n in range(len(orders) - 1, 0, -1):
        histories = orders[n - 1].counted.counts / total
        kept = orders[n].kept & (needed | (_costs(orders[n], orders[n - 1], histories, len(model.vocabulary)) >= threshold))
        orders[n] = replace(orders[n], kept=kept)
        needed = np.zeros(len(orders[n - 1].kept), np.bool_)
        needed[orders[n].counted.parents[kept]] = True
    return replace(model, orders=tuple(_normalized(orders, len(model.vocabulary))))


def _left(order: EstimatedOrder, below: EstimatedOrder, n_words: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each history: what its listed words leave of 1, what they leave of 1 after the shorter history, whether all are listed."""
    parents = order.counted.parents[order.kept]
    size = len(below.kept)
    listed = np.bincount(parents, order.probabilities[order.kept], size)
    listed_below = np.bincount(parents, below.probabilities[order.counted.suffixes[order.kept]], size)
    complete = np.bincount(parents, minlength=size) == n_words - 1
    return np.maximum(1 - listed, LEAST), np.maximum(1 - listed_below, LEAST), complete


def _costs(order: EstimatedOrder, below: EstimatedOrder, histories: np.ndarray, n_words: int) -> np.ndarray:
    """By what share the perplexity rises without each n-gram: equations 4 to 6 of the paper; float64, shape (M,)."""
    left, left_below, complete = _left(order, below, n_words)
    parents = order.counted.parents
    probabilities = order.probabilities
    shorter = below.probabilities[order.counted.suffixes]
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(complete, 1.0, left / left_below)
        log_weights_without = np.log(np.where(complete, 0.0, left)[parents] + probabilities)
        log_weights_without -= np.log(np.where(complete, 0.0, left_below)[parents] + shorter)
        own = probabilities * (np.log(shorter) + log_weights_without - np.log(probabilities))
        others = np.where(complete, 0.0, left)[parents] * (log_weights_without - np.log(weights)[parents])
        costs: np.ndarray = np.expm1(-histories[parents] * (own + others))
    return costs


def _normalized(orders: list[EstimatedOrder], n_words: int) -> list[EstimatedOrder]:
    """Backoff weights by which every history's probabilities sum to 1, and the probabilities of what is left out."""
    finished = [orders[0]]
    for order in orders[1:]:
        below = finished[-1]
        left, left_below, complete = _left(order, below, n_words)
        weights = np.divide(left, left_below, out=np.ones(len(left)), where=~complete)
        finished[-1] = replace(below, weights=weights)
        backed_off = weights[order.counted.parents] * below.probabilities[order.counted.suffixes]
        finished.append(replace(order, probabilities=np.where(order.kept, order.probabilities, backed_off)))
    return finished
