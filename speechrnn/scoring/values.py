"""Numbers of utterances: how far estimates are off, and how far they go along with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speechrnn.scoring.bootstrap import RESAMPLES, Bootstrap, Difference, difference, interval
from speechrnn.scoring.calibration import Figure

if TYPE_CHECKING:
    import numpy as np

    from speechrnn.scoring.results import Item

_ROUNDING = 1e-10
"""A spread this small beside the squares it is the difference of is none."""


@dataclass(frozen=True, slots=True)
class ValueScores:
    """A system over the utterances it has a number for, with 95 % intervals. What is missing has no error: it is left out.

    Attributes:
        number: of these utterances.
        rmse: root of the mean squared error, in the unit of the numbers.
        mae: mean absolute error, likewise.
        constant: RMSE of always saying the mean of the references, which is their deviation.
        r: Pearson's correlation of references and estimates; ``None`` where either are all the same.
        r2: 1 - squared errors / squared deviations of the references from their mean, below 0 where that mean is nearer;
            ``None`` where the references are all the same.
    """

    number: int
    rmse: Figure
    mae: Figure
    constant: float
    r: Figure | None
    r2: Figure | None

    @property
    def figures(self) -> dict[str, Figure | None]:
        """Those with an interval, by the name they are shown under."""
        return {"RMSE": self.rmse, "MAE": self.mae, "r": self.r, "R2": self.r2}


def value_scores(items: Sequence[Item], resamples: int = RESAMPLES) -> ValueScores:
    """Score numbers, resampled as rates are; draws for which a figure is not defined have no part in its interval.

    Raises:
        ValueError: no utterance has a number.
    """
    import numpy as np

    there, wanted, said = _numbers(items)
    if not there.any():
        raise ValueError("no utterance has a number")
    # Centered and in units of the widest distance: sums of squares neither cancel nor overflow.
    rows = np.where(there, [wanted - wanted[there].mean(), said - said[there].mean(), said - wanted], 0)
    unit = max(float(np.abs(rows).max()), np.finfo(float).tiny)
    x, y, e = rows / unit
    columns = np.stack([there.astype(float), np.abs(e), e * e, x, x * x, y, y * y, x * y], axis=1)
    drawn = _figures(Bootstrap([item.speaker for item in items], resamples).sums(columns))
    whole = _figures(columns.sum(0)[None])
    rmse, mae = (_figure(whole[i, 0] * unit, drawn[i] * unit) for i in (0, 1))
    assert rmse is not None, "there is a number"
    assert mae is not None, "there is a number"
    return ValueScores(
        int(there.sum()), rmse, mae, float(whole[4, 0] * unit), _figure(whole[2, 0], drawn[2]), _figure(whole[3, 0], drawn[3])
    )


def value_difference(a: Sequence[Item], b: Sequence[Item], resamples: int = RESAMPLES) -> Difference | None:
    """RMSE of one system minus that of another, over the utterances both have a number for, from the same draws (paired).

    Args:
        a, b: the same utterances in the same order.
        resamples: bootstrap draws.

    Returns:
        None where no utterance has a number of both.
    """
    import numpy as np

    sides = [_numbers(items) for items in (a, b)]
    both = sides[0][0] & sides[1][0]
    if not both.any():
        return None
    errors = [np.where(both, said - wanted, 0) for _, wanted, said in sides]
    unit = max(float(np.abs(errors).max()), np.finfo(float).tiny)
    columns = np.stack([both.astype(float), *(np.square(e / unit) for e in errors)], axis=1)
    drawn = Bootstrap([item.speaker for item in a], resamples).sums(columns)
    drawn = drawn[drawn[:, 0] > 0]
    whole, roots = (unit * np.sqrt(sums[:, 1:] / sums[:, :1]) for sums in (columns.sum(0)[None], drawn))
    return difference(float(whole[0, 0]), float(whole[0, 1]), roots[:, 0], roots[:, 1])


def _numbers(items: Sequence[Item]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which utterances have an estimate, bool (U,); references (U,) and estimates (U,), 0 where there is none."""
    import numpy as np

    there = np.array([not item.failure for item in items], bool)
    wanted = np.array([float(item.reference) for item in items])
    return there, wanted, np.array([0.0 if item.failure else float(item.hypothesis) for item in items])


def _figures(sums: np.ndarray) -> np.ndarray:
    """RMSE, MAE, r, R2 and the constant's RMSE, (5, N), no number where one is not defined.

    Args:
        sums: (N, 8): utterances, absolute errors, their squares, references, their squares, estimates, theirs, products.
    """
    import numpy as np

    n, off, squares, x, xx, y, yy, xy = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_x, spread_y = _spread(n, x, xx), _spread(n, y, yy)
        r = np.clip((xy - x * y / n) / np.sqrt(spread_x * spread_y), -1, 1)
        r2 = np.where(spread_x > 0, 1 - squares / spread_x, np.nan)
        return np.stack([np.sqrt(squares / n), off / n, np.where(spread_x * spread_y > 0, r, np.nan), r2, np.sqrt(spread_x / n)])


def _spread(n: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Sums of squared deviations from the mean (N,)."""
    import numpy as np

    found = squares - sums * sums / n
    return np.where(found > _ROUNDING * squares, found, 0)


def _figure(value: float, drawn: np.ndarray) -> Figure | None:
    import numpy as np

    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(defined):
        return None
    bounds = interval(defined)
    return Figure(float(value), bounds.low, bounds.high)
