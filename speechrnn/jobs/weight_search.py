"""The search for decoding weights: a coarse grid, then smaller and smaller steps from the best along one weight after the other.
Always the same way.

Which of many settings errs least is chance: what is taken lies amid all that err about as little (:func:`settled`).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from speechrnn.scoring.rates import Counts

_WEIGHTS, _BONUSES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0), (-2.0, 0.0, 2.0, 4.0)
GRID = {
    "lm_weight": _WEIGHTS,
    "word_bonus": _BONUSES,
    "letter_weight": _WEIGHTS,
    "letter_bonus": _BONUSES,
    "unknown_bonus": (-4.0, -2.0, 0.0, 2.0),
    "rescore_weight": _WEIGHTS,
    "ctc_weight": (0.0, 0.25, 0.5, 0.75, 1.0),
}
"""Values that are tried first."""
PAIRS = (("lm_weight", "word_bonus"), ("letter_weight", "letter_bonus", "unknown_bonus"), ("rescore_weight",), ("ctc_weight",))
"""Weights whose grids are crossed; the others stay where they are meanwhile."""
STEPS = (1.0, 0.5, 0.25)
"""Steps of a bonus in nats, one after the other; those of a weight are ``SHARE`` of them."""
SHARE = 0.25
MOST_WEIGHT = {"ctc_weight": 1.0}
"""Weights that are shares end there."""
MOST = 300
"""Settings that are tried at most."""


@dataclass(frozen=True)
class Trial:
    """A setting of the weights, by name, and the errors it makes on dev; ``rough``: on a part of it."""

    weights: Mapping[str, float]
    counts: Counts
    rough: bool = False

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better: fewer errors, then smaller weights, then smaller bonuses, then the lower of two opposite ones. What was
        tried on a part of dev comes after all that was tried on the whole."""
        by_size = sorted(self.weights.items(), key=lambda item: not _is_weight(item[0]))
        return (self.rough, self.counts.errors, *(abs(value) for _, value in by_size), *(value for _, value in by_size))


def settled(trials: Sequence[Trial]) -> Trial:
    """The setting to use: nearest to the middle of all whose errors are within one standard deviation, the root of their number, of
    the fewest. The one with the fewest fits dev by chance, and may stand at the very edge of what is good (docs/tuning.md)."""
    best = min(trials, key=lambda trial: trial.rank)
    most = best.counts.errors + math.sqrt(best.counts.errors)
    near = [trial for trial in trials if trial.rough == best.rough and trial.counts.errors <= most]
    places = [[value / (SHARE if _is_weight(name) else 1.0) for name, value in trial.weights.items()] for trial in near]
    # The search tries much in little room: trials a step apart count as one.
    shares = [1 / sum(math.dist(place, other) <= STEPS[0] for other in places) for place in places]
    middle = [sum(map(operator.mul, shares, values)) / sum(shares) for values in zip(*places, strict=True)]
    return min(zip(near, places, strict=True), key=lambda one: (math.dist(one[1], middle), one[0].rank))[0]


def search(
    start: Mapping[str, float],
    score: Callable[[Mapping[str, float]], Counts],
    rough: Callable[[Mapping[str, float]], Counts] | None = None,
    steps: Sequence[float] = STEPS,
) -> Iterator[Trial]:
    """Try settings, ``start`` first; each is yielded as soon as it is scored, none twice. The lowest rank has the fewest errors.

    Args:
        start: the weights that are searched for, from where they stand; without any it is the one trial.
        score: errors on dev with given weights.
        rough: the same on a part of dev, by which the place where to search is found.
        steps: from there, see ``STEPS``.
    """
    if rough is not None:
        found = list(_search(start, rough, rough=True, steps=()))
        yield from found
        yield from _search(min(found, key=lambda trial: trial.rank).weights, score, pairs=(), steps=steps)
    else:
        yield from _search(start, score, steps=steps)


def _search(
    start: Mapping[str, float],
    score: Callable[[Mapping[str, float]], Counts],
    *,
    rough: bool = False,
    pairs: Sequence[Sequence[str]] = PAIRS,
    steps: Sequence[float] = STEPS,
) -> Iterator[Trial]:
    tried: dict[tuple[float, ...], Trial] = {}

    def new(settings: Iterable[Mapping[str, float]]) -> Iterator[Trial]:
        for weights in settings:
            point = tuple(weights[name] for name in start)
            beyond = any(_is_weight(name) and not 0 <= value <= MOST_WEIGHT.get(name, math.inf) for name, value in weights.items())
            if point not in tried and not beyond and len(tried) < MOST:
                tried[point] = Trial(dict(weights), score(weights), rough)
                yield tried[point]

    def best() -> Trial:
        return min(tried.values(), key=lambda trial: trial.rank)

    def along(name: str, size: float) -> Iterator[Trial]:
        before = None
        while before is not best():
            before = best()
            yield from new([{**before.weights, name: before.weights[name] + size}])

    yield from new([start])
    for pair in pairs:
        names = [name for name in pair if name in start]
        if names:
            yield from new(_grid(best().weights, names))
    for step in steps:
        moves = [(name, sign * step * (SHARE if _is_weight(name) else 1.0)) for name in start for sign in (-1, 1)]
        begun = None
        while begun is not best():
            begun = best()
            for name, size in moves:
                yield from along(name, size)


def _grid(weights: Mapping[str, float], names: Sequence[str]) -> list[dict[str, float]]:
    """All combinations of the grids of some weights."""
    return [{**weights, **dict(zip(names, values, strict=True))} for values in itertools.product(*(GRID[name] for name in names))]


def _is_weight(name: str) -> bool:
    """Weights multiply and are 0 or more; bonuses are added."""
    return name.endswith("_weight")
