"""N-gram models from counts: interpolated modified Kneser-Ney and Witten-Bell.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Computer Speech and Language 13 (1999).
Where the paper leaves a choice it is made as KenLM's ``lmplz`` makes it (Heafield et al. 2013): n-grams that begin with ``<s>``
keep their plain counts, and the unigrams are interpolated with the uniform distribution over all words, ``</s>`` and ``<unk>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from speechrnn.errors import UsageError
from speechrnn.lm.counting import BEGIN_ID, CountedOrder, count_ngrams, encode

MAX_ORDER = 6
SMOOTHINGS = ("kneser-ney", "witten-bell")
FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where those of the paper cannot be computed: lmplz's."""


@dataclass(frozen=True)
class EstimateOptions:
    """How a model is estimated."""

    order: int = 3
    """Words of the longest n-gram, 1 to 6."""
    smoothing: str = "kneser-ney"
    """kneser-ney (modified, interpolated) or witten-bell (interpolated): the latter for texts too small or too artificial for
    counts of counts, such as a grammar's sentences."""
    prune: tuple[int, ...] = ()
    """By order, unigrams first: n-grams that occur at most so often are left out. The last value holds for all higher orders too.
    The first is 0, and none is smaller than the one before it."""
    entropy: float = 0.0
    """N-grams whose removal raises the perplexity by less than this share are left out (Stolcke 1998); 0 keeps all, 1e-8 is
    mild."""
    min_count: int = 1
    """Words that occur less often are counted as ``<unk>``."""

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise UsageError(f"the order is {self.order}", f"choose 1 to {MAX_ORDER}")
        if self.smoothing not in SMOOTHINGS:
            raise UsageError(f"the smoothing is {self.smoothing!r}", f"choose one of {', '.join(SMOOTHINGS)}")
        shown = ",".join(map(str, self.prune))
        if len(self.prune) > self.order:
            raise UsageError(f"pruning by {shown} has more values than the order {self.order}", "give at most one for each order")
        if self.prune and self.prune[0] != 0:
            raise UsageError(f"pruning by {shown} would leave out words", "let the first value be 0; rare words: a minimum count")
        if any(later < earlier for earlier, later in zip(self.prune, self.prune[1:], strict=False)):
            raise UsageError(f"pruning by {shown} falls from an order to the next", "give values that do not fall")
        if not 0 <= self.entropy < 1:
            raise UsageError(f"the entropy threshold is {self.entropy}", "choose 0 or a small number such as 1e-8")
        if self.min_count < 1:
            raise UsageError(f"the minimum count is {self.min_count}", "choose 1 or more")

    def threshold(self, order: int) -> int:
        """Occurrences up to which n-grams of an order are left out."""
        return self.prune[min(order, len(self.prune)) - 1] if self.prune else 0


@dataclass(frozen=True)
class EstimatedOrder:
    """The n-grams of one order with their probabilities; those left out stay in place, as links of the others.

    Attributes:
        counted: the n-grams.
        kept: bool, shape (M,): in the model. Beginning and end of a kept n-gram are kept too where pruning went by counts, its
            beginning where it went by entropy.
        probabilities: float64, shape (M,): of the last word after the others, in the finished model.
        weights: float64, shape (M,): of the shorter history, for words that are not listed after this n-gram.
    """

    counted: CountedOrder
    kept: np.ndarray
    probabilities: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """An estimated model.

    Attributes:
        vocabulary: words by id, as in :class:`~speechrnn.lm.counting.Corpus`.
        orders: unigrams first.
        notes: what the user should know: discounts that could not be computed, orders without n-grams.
    """

    vocabulary: tuple[str, ...]
    orders: tuple[EstimatedOrder, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """N-grams in the model, by order."""
        return tuple(int(order.kept.sum()) for order in self.orders)


def estimate(sentences: Iterable[Sequence[str]], options: EstimateOptions = EstimateOptions()) -> Estimate:
    """Estimate a model from sentences of words, phones or letters.

    Raises:
        DataError: no sentences; ``<s>``, ``</s>`` or ``<unk>`` among the words.
    """
    from speechrnn.lm.pruning import prune_by_entropy

    corpus = encode(sentences, options.min_count)
    counted = count_ngrams(corpus, options.order)
    notes = []
    orders: list[EstimatedOrder] = []
    for n in range(1, len(counted) + 1):
        adjusted = _adjusted(counted, n) if options.smoothing == "kneser-ney" else counted[n - 1].counts.copy()
        if n == 1:
            # Never predicted.
            adjusted[BEGIN_ID] = 0
        kept = (counted[n - 1].counts > options.threshold(n)) | (n == 1)
        if options.smoothing == "kneser-ney":
            discounts, note = discounts_of(adjusted, n)
            notes.extend(note)
            shares, weights = _kneser_ney(counted[n - 1], adjusted, kept, discounts)
        else:
            shares, weights = _witten_bell(counted[n - 1], adjusted, kept)
        orders.append(_interpolated(counted[n - 1], kept, shares, weights, orders))
    model = Estimate(corpus.vocabulary, tuple(orders), tuple(notes))
    if options.entropy:
        model = prune_by_entropy(model, options.entropy)
    return _without_empty_orders(model, options.order)


def _adjusted(counted: Sequence[CountedOrder], n: int) -> np.ndarray:
    """Kneser-Ney's counts of order n: of the longest n-grams how often they occur, of the others after how many words."""
    order = counted[n - 1]
    if n == len(counted):
        return order.counts.copy()
    preceding = np.bincount(counted[n].suffixes, minlength=len(order))
    return np.where(order.begins, order.counts, preceding)


def discounts_of(adjusted: np.ndarray, n: int) -> tuple[tuple[float, float, float], list[str]]:
    """Discounts of n-grams with adjusted counts 1, 2, and 3 or more; equation 26 of Chen and Goodman (1999).

    They need n-grams with each of the counts 1 to 3, in falling numbers: few letters, or sentences made by a grammar, have no such
    counts. Then 0.5, 1 and 1.5 are taken, and that is said.

    Args:
        adjusted: int64, shape (M,).
        n: the order, for the note.

    Returns:
        The discounts, and a note or none.
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(adjusted == count)) for count in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < discount <= count for count, discount in enumerate(found, 1)):
            return found, []
    note = f"order {n}: {n1}, {n2}, {n3} and {n4} n-grams with counts 1 to 4 give no discounts; taken are 0.5, 1 and 1.5"
    return FALLBACK, [note]


def _kneser_ney(
    order: CountedOrder, adjusted: np.ndarray, kept: np.ndarray, discounts: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Of each n-gram the share that is its own, and of each history the weight of the shorter one; what is left out goes there."""
    discounted = np.array([0.0, *discounts])[np.minimum(adjusted, 3)]
    own = np.where(kept, adjusted - discounted, 0.0)
    totals = np.bincount(order.parents, adjusted)
    passed_on = np.bincount(order.parents, adjusted - own)
    return own / totals[order.parents], _divided(passed_on, totals)


def _witten_bell(order: CountedOrder, counts: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same: of the times a history is seen, those with a new word go to the shorter one; equation 17 of the paper."""
    own = np.where(kept, counts, 0)
    types = np.bincount(order.parents, counts > 0)
    totals = np.bincount(order.parents, counts) + types
    passed_on = np.bincount(order.parents, counts - own) + types
    return own / totals[order.parents], _divided(passed_on, totals)


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Weights; 1 after histories that nothing follows."""
    weights: np.ndarray = np.divide(part, whole, out=np.ones(len(whole)), where=whole > 0)
    return weights


def _interpolated(
    counted: CountedOrder, kept: np.ndarray, shares: np.ndarray, weights: np.ndarray, orders: list[EstimatedOrder]
) -> EstimatedOrder:
    """Probabilities of an order from those of the order below, whose weights are set."""
    if not orders:
        # All words but <s> are equally likely where nothing is known.
        probabilities = shares + weights[0] / (len(counted) - 1)
        probabilities[BEGIN_ID] = 0.0
    else:
        below = orders[-1]
        below.weights[: len(weights)] = weights
        probabilities = shares + below.weights[counted.parents] * below.probabilities[counted.suffixes]
    return EstimatedOrder(counted, kept, probabilities, np.ones(len(counted)))


def _without_empty_orders(model: Estimate, wanted: int) -> Estimate:
    """The model without its highest orders where they hold no n-grams."""
    order = max(n for n, count in enumerate(model.counts, 1) if count)
    if order == wanted:
        return model
    note = f"no {order + 1}-grams are left: the model has order {order}, not {wanted}"
    return Estimate(model.vocabulary, model.orders[:order], (*model.notes, note))
