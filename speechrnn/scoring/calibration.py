"""Whether confidences mean something: how often what is 90 % sure is right, and whether the wrong stand out.

- **Expected calibration error**: items are put into 15 bins of equal width by confidence; the distance between the mean confidence
  of a bin and the share of it that is right, averaged over items. 0 is best. Guo, Pleiss, Sun and Weinberger, "On calibration of
  modern neural networks", ICML 2017.
- **Area under the ROC curve**: how often something right is surer than something wrong, ties counting half. 0.5 is chance, 1 is
  best; nothing where all are right or all are wrong.
- **Brier score**: the mean square of confidence minus 1 (right) or 0 (wrong); Brier 1950. To be held against that of a constant:
  whoever says of everything that it is right with the share that is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speechrnn.scoring.align import NAMES, steps
from speechrnn.scoring.bootstrap import SEED, Interval, groups, interval

if TYPE_CHECKING:
    import numpy as np

BINS = 15
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Items of about the same confidence: how many, their mean confidence, the share of them that is right."""

    number: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """What confidences are worth.

    Attributes:
        number: words or tokens that were heard.
        wrong: of these.
        ece: expected calibration error.
        auc: area under the ROC curve; ``None`` where all are right or all wrong.
        brier: Brier score.
        constant: Brier score of the constant.
        bins: those of the 15 that hold anything, in order of confidence.
    """

    number: int
    wrong: int
    ece: Figure
    auc: Figure | None
    brier: Figure
    constant: float
    bins: tuple[Bin, ...] = ()

    def line(self, what: str) -> str:
        """The figures in a line."""
        auc = "-" if self.auc is None else _with_interval(self.auc)
        return (
            f"confidence of {self.number} {what}, {self.wrong} of them wrong: calibration error {_with_interval(self.ece)}, "
            f"area under ROC {auc}, Brier {_with_interval(self.brier)}, of a constant {self.constant:.3f}"
        )


def _with_interval(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} - {figure.high:.3f})"


def right_ones(reference: Sequence[str], hypothesis: Sequence[str]) -> np.ndarray:
    """Which tokens of the hypothesis are right, bool (M,), by the alignment that errors are counted by; insertions are wrong.

    >>> right_ones("a b c".split(), "a x c d".split()).tolist()
    [True, False, True, False]
    """
    found = steps(reference, hypothesis)
    right: np.ndarray = found[found != NAMES.index("deletion")] == NAMES.index("match")
    return right


def reliability(
    confidences: Sequence[np.ndarray], right: Sequence[np.ndarray], speakers: Sequence[str] = (), resamples: int = RESAMPLES
) -> Reliability | None:
    """Figures with bootstrap intervals, for which utterances, or speakers where there are enough, are drawn anew.

    Args:
        confidences: of each utterance's words or tokens, (N,).
        right: bool, (N,), likewise.
        speakers: of each utterance, or nothing.
        resamples: how often.

    Returns:
        None where nothing was heard.
    """
    import numpy as np

    sizes = [len(row) for row in confidences]
    if not sum(sizes):
        return None
    p, y = np.concatenate(confidences).astype(np.float64), np.concatenate(right).astype(bool)
    drawn_by = groups(list(speakers)) if speakers else None
    owner = np.repeat(np.arange(len(sizes)) if drawn_by is None else drawn_by, sizes)
    n_groups = int(len(sizes) if drawn_by is None else drawn_by.max() + 1)
    generator = np.random.default_rng(SEED)
    draws = np.empty((resamples, 3))
    measured = _Measured(p, y)
    for row in draws:
        weights = np.bincount(generator.integers(n_groups, size=n_groups), minlength=n_groups)[owner]
        row[:] = measured.figures(weights)
    values = measured.figures(np.ones(len(p), np.int64))
    bounds = [
        interval(column[np.isfinite(column)]) if np.isfinite(column).any() else Interval(np.nan, np.nan) for column in draws.T
    ]
    ece, auc, brier = (Figure(float(v), b.low, b.high) for v, b in zip(values, bounds, strict=True))
    share = float(y.mean())
    return Reliability(len(p), int((~y).sum()), ece, auc if 0 < share < 1 else None, brier, share * (1 - share), measured.filled())


class _Measured:
    """Items sorted once, so that figures of many draws are sums."""

    def __init__(self, p: np.ndarray, y: np.ndarray) -> None:
        import numpy as np

        self.p, self.y = p, y
        self.bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        self.level = np.unique(p, return_inverse=True)[1]

    def filled(self) -> tuple[Bin, ...]:
        """The bins that hold items."""
        import numpy as np

        numbers, sure, right = (np.bincount(self.bins, weights, BINS) for weights in (None, self.p, self.y))
        return tuple(Bin(int(n), float(p / n), float(y / n)) for n, p, y in zip(numbers, sure, right, strict=True) if n)

    def figures(self, weights: np.ndarray) -> tuple[float, float, float]:
        """Calibration error, area (NaN without right or wrong ones) and Brier score, each item counted so often."""
        import numpy as np

        n = weights.sum()
        if not n:
            return np.nan, np.nan, np.nan
        gap = np.bincount(self.bins, weights * (self.p - self.y), BINS)
        brier = (weights * np.square(self.p - self.y)).sum() / n
        right = np.bincount(self.level, weights * self.y)
        wrong = np.bincount(self.level, weights * ~self.y, len(right))
        below = np.cumsum(wrong) - wrong
        pairs = right.sum() * wrong.sum()
        area = (right * (below + wrong / 2)).sum() / pairs if pairs else np.nan
        return float(np.abs(gap).sum() / n), float(area), float(brier)


def expected_calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    """See the top of this module; confidences and right, each (N,), N above 0."""
    return _Measured(confidences, right).figures(_once(confidences))[0]


def area_under_roc(confidences: np.ndarray, right: np.ndarray) -> float:
    """See the top of this module; NaN where all are right or all are wrong."""
    return _Measured(confidences, right).figures(_once(confidences))[1]


def brier_score(confidences: np.ndarray, right: np.ndarray) -> float:
    """See the top of this module."""
    return _Measured(confidences, right).figures(_once(confidences))[2]


def _once(confidences: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ones(len(confidences), np.int64)
