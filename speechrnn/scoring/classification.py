"""Classes of utterances: accuracy, and how well each class is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speechrnn.scoring.bootstrap import RESAMPLES, Bootstrap, Interval, interval
from speechrnn.scoring.results import Item

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found; all in percent.

    Attributes:
        label: its name.
        total: utterances of it.
        precision: of the utterances that are said to be of it, those that are; 0 where there are none.
        recall: of the utterances of it, those that are said to be; 0 where there are none.
        f1: harmonic mean of both.
        low, high: 95 % interval of f1.
    """

    label: str
    total: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScores:
    """A system over all utterances, in percent, with 95 % intervals.

    Attributes:
        macro_f1: mean of the classes' f1, every class that occurs in references or hypotheses the same weight.
    """

    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    classes: tuple[ClassScore, ...]


def class_scores(items: Sequence[Item], resamples: int = RESAMPLES) -> ClassScores:
    """Score the classes of utterances, resampled as rates are; an utterance without hypothesis is wrong and of no class."""
    import numpy as np

    labels = sorted({item.reference for item in items} | {item.hypothesis for item in items if item.hypothesis})
    index = {label: i for i, label in enumerate(labels)}
    n = len(labels)
    # For each utterance: class by class whether it is said and so, is so, is said.
    flags = np.zeros((len(items), 3, n), np.int64)
    for row, item in zip(flags, items, strict=True):
        row[1, index[item.reference]] = 1
        if item.hypothesis:
            row[2, index[item.hypothesis]] = 1
        row[0] = row[1] * row[2]
    drawn = Bootstrap([item.speaker for item in items], resamples).sums(flags.reshape(len(items), -1)).reshape(-1, 3, n)
    whole = flags.sum(0)[None]
    f1, f1_drawn = _f1(whole)[0], _f1(drawn)
    bounds = [interval(f1_drawn[:, i]) for i in range(n)]
    right, are, said = whole[0]
    return ClassScores(
        float(_share(right.sum(), are.sum())),
        interval(_share(drawn[:, 0].sum(-1), drawn[:, 1].sum(-1))),
        float(f1.mean()),
        interval(_macro(drawn, f1_drawn)),
        tuple(
            ClassScore(
                label, int(are[i]), float(_share(right[i], said[i])), float(_share(right[i], are[i])), float(f1[i]),
                bounds[i].low, bounds[i].high,
            )
            for label, i in index.items()
        ),
    )  # fmt: skip


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(100 * part / np.maximum(whole, 1))


def _f1(sums: np.ndarray) -> np.ndarray:
    """Of sums (N, 3, K), percent (N, K)."""
    return _share(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


def _macro(sums: np.ndarray, f1: np.ndarray) -> np.ndarray:
    """Means (N,) over the classes that occur in a draw."""
    import numpy as np

    there = (sums[:, 1] + sums[:, 2]) > 0
    return np.asarray((f1 * there).sum(-1) / np.maximum(there.sum(-1), 1))
