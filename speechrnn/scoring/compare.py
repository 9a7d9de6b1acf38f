"""Systems over the same utterances -> rates, intervals and differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from speechrnn.scoring.bootstrap import RESAMPLES, Bootstrap, difference, interval
from speechrnn.scoring.matched_pairs import MatchedPairs, matched_pairs, segments
from speechrnn.scoring.rates import count, total
from speechrnn.scoring.results import Comparison, Evaluation, Measure, System
from speechrnn.scoring.values import value_difference, value_scores

if TYPE_CHECKING:
    import numpy as np


def compare(systems: Sequence[System], resamples: int = RESAMPLES) -> Evaluation:
    """Score every system by its metrics, and every two systems by the metrics they share over the same reference tokens.

    Systems that give numbers are scored by their errors, and compared by the RMSE over utterances that both have a number for.

    Args:
        systems: one or more, each over the same utterances in the same order.
        resamples: bootstrap draws of the test set.

    Raises:
        ValueError: the systems were not given the same utterances, or share a name; some give numbers, some do not.
    """
    ids = [item.id for item in systems[0].items]
    if any([item.id for item in system.items] != ids for system in systems):
        raise ValueError("the systems were scored on different utterances")
    if len({system.name for system in systems}) < len(systems):
        raise ValueError("two systems share a name")
    if len({system.unit == "value" for system in systems}) > 1:
        raise ValueError("some systems give numbers, others do not")
    bootstrap = Bootstrap([item.speaker for item in systems[0].items], resamples)
    measures: dict[str, dict[str, Measure]] = {}
    rates: dict[tuple[str, str], np.ndarray] = {}
    for system in systems:
        measures[system.name] = {}
        for metric in system.metrics:
            by_utterance = tuple(count(*item.sides(metric)) for item in system.items)
            drawn = rates[system.name, metric] = bootstrap.rates(by_utterance)
            bounds = interval(drawn)
            measures[system.name][metric] = Measure(metric, total(by_utterance), bounds.low, bounds.high, by_utterance)
    values = {system.name: value_scores(system.items, resamples) for system in systems if system.unit == "value"}
    pairs = []
    for a, b in combinations(systems, 2):
        for metric in a.metrics:
            if metric in b.metrics and _same_references(a, b, metric):
                first, second = (measures[system.name][metric].counts.percent for system in (a, b))
                found = difference(first, second, rates[a.name, metric], rates[b.name, metric])
                pairs.append(Comparison(a.name, b.name, metric, found, _matched(a, b, metric)))
        if values and (apart := value_difference(a.items, b.items, resamples)):
            pairs.append(Comparison(a.name, b.name, "rmse", apart, None))
    return Evaluation(tuple(systems), measures, tuple(pairs), bootstrap.drawn, values)


def _same_references(a: System, b: System, metric: str) -> bool:
    """Whether both are counted on the same tokens: not letters here and phones there."""
    return all(first.sides(metric)[0] == second.sides(metric)[0] for first, second in zip(a.items, b.items, strict=True))


def _matched(a: System, b: System, metric: str) -> MatchedPairs:
    """The test over the segments of all utterances."""
    differences = []
    for first, second in zip(a.items, b.items, strict=True):
        reference, heard_a = first.sides(metric)
        differences += [x - y for x, y in segments(reference, heard_a, second.sides(metric)[1])]
    return matched_pairs(differences)
