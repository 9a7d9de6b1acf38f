"""How sure a rate is: 95 % intervals and differences of two systems, by drawing the test set anew many times.

Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004. What is drawn is a whole
utterance, or a whole speaker where there are enough of them: errors of one speaker resemble each other, so drawing utterances then
makes intervals too narrow. Every system of a comparison sees the same draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speechrnn.scoring.rates import Counts

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
SEED = 20_040_517
COVERAGE = 95.0
"""Percent of the resampled values that lie inside an interval."""
ENOUGH_SPEAKERS = 10
_CELLS = 4_000_000
"""Drawn indices held at once: 16 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds in percent, both inclusive."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Rate of one system minus that of another, in percentage points; of numbers, RMSE minus RMSE in their own unit.

    Attributes:
        difference: negative where the first is better.
        low, high: 95 % interval.
        p: probability, two-sided, of a difference as far from 0 as this one if there were none.
    """

    difference: float
    low: float
    high: float
    p: float


def groups(speakers: Sequence[str]) -> np.ndarray | None:
    """What is drawn: speaker indices, int64, shape (U,), or ``None`` for utterances.

    Speakers are drawn where every utterance has one and there are 10 or more.
    """
    import numpy as np

    if "" in speakers or len(set(speakers)) < ENOUGH_SPEAKERS:
        return None
    return np.unique(np.asarray(speakers), return_inverse=True)[1]


class Bootstrap:
    """Resampled rates of systems over the same U utterances.

    Args:
        speakers: label of each utterance, empty where unknown; see :func:`groups`.
        resamples: how often the test set is drawn.
        seed: the same seed gives the same draws.
    """

    def __init__(self, speakers: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED) -> None:
        self._groups = groups(speakers)
        self._utterances = len(speakers)
        self._resamples = resamples
        self._seed = seed

    @property
    def drawn(self) -> str:
        """``speakers`` or ``utterances``."""
        return "utterances" if self._groups is None else "speakers"

    def rates(self, counts: Sequence[Counts]) -> np.ndarray:
        """Rates (percent) of one system over the drawn test sets, float64, shape (resamples,).

        Args:
            counts: U, in the order of ``speakers``. An empty reference follows the rule of :attr:`Counts.percent`.
        """
        import numpy as np

        if len(counts) != self._utterances:
            raise ValueError(f"{len(counts)} counts for {self._utterances} utterances")
        drawn = self.sums(np.array([[count.errors, count.tokens] for count in counts], np.int64).reshape(-1, 2))
        return np.asarray(100 * drawn[:, 0] / np.maximum(drawn[:, 1], 1))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values (U, D) of utterances summed over the drawn test sets, (resamples, D): int64 of whole numbers, else float64."""
        import numpy as np

        values = values.astype(np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64)
        if self._groups is not None:
            grouped = np.zeros((self._groups.max() + 1, values.shape[1]), values.dtype)
            np.add.at(grouped, self._groups, values)
            values = grouped
        generator = np.random.default_rng(self._seed)
        found = np.zeros((self._resamples, values.shape[1]), values.dtype)
        step = max(1, _CELLS // max(len(values), 1))
        for first in range(0, self._resamples if len(values) else 0, step):
            size = (min(step, self._resamples - first), len(values))
            drawn = generator.integers(len(values), size=size, dtype=np.int32)
            for column in range(values.shape[1]):
                found[first : first + step, column] = values[:, column][drawn].sum(axis=1)
        return found


def interval(rates: np.ndarray) -> Interval:
    """The middle 95 % of resampled values (percentile interval); with one utterance both ends are its own rate."""
    import numpy as np

    low, high = np.percentile(rates, [50 - COVERAGE / 2, 50 + COVERAGE / 2])
    return Interval(float(low), float(high))


def difference(percent_a: float, percent_b: float, rates_a: np.ndarray, rates_b: np.ndarray) -> Difference:
    """System a minus system b, from the same draws of the test set (paired).

    ``p`` is twice the share of draws on the rarer side of 0, draws at 0 counting for both sides, never below 2 / (resamples + 1).
    Two systems with equal errors in every utterance have p = 1.
    """
    import numpy as np

    drawn = rates_a - rates_b
    bounds = interval(drawn)
    rarer = min(int(np.sum(drawn <= 0)), int(np.sum(drawn >= 0)))
    return Difference(percent_a - percent_b, bounds.low, bounds.high, min(1.0, 2 * (rarer + 1) / (len(drawn) + 1)))
