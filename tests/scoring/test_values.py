"""Numbers of utterances against scikit-learn (which librosa brings along), NumPy, and a bootstrap done one draw at a time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn import metrics

from speechrnn.scoring.results import Item
from speechrnn.scoring.values import ValueScores, value_difference, value_scores


def items(references, estimates, speakers=None) -> list[Item]:
    rows = zip(references, estimates, speakers or [""] * len(references), strict=True)
    return [Item(str(n), repr(float(x)), repr(float(y)), speaker=speaker) for n, (x, y, speaker) in enumerate(rows)]


def failing(given: list[Item], places) -> list[Item]:
    return [dataclasses.replace(item, hypothesis="", failure="cut short") if n in places else item for n, item in enumerate(given)]


def data(n: int, seed: int, noise: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(n)
    return truth, 0.7 * truth + noise * rng.standard_normal(n) + 0.2


def expected(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return {
        "RMSE": metrics.mean_squared_error(x, y) ** 0.5,
        "MAE": metrics.mean_absolute_error(x, y),
        "r": np.corrcoef(x, y)[0, 1],
        "R2": metrics.r2_score(x, y),
    }


def figures(found: ValueScores) -> dict[str, float | None]:
    return {name: figure and figure.value for name, figure in found.figures.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (30.0, 1e6), (1e-9, 0.0), (1e200, 0.0)])
def test_figures_equal_those_of_scikit_learn_whatever_the_unit(seed, scale, shift):
    x, y = (scale * side + shift for side in data(50, seed))
    found = value_scores(items(x, y), resamples=10)
    # scikit-learn squares as it finds them: it is asked in units of its own.
    wanted = expected((x - shift) / scale, (y - shift) / scale)
    assert figures(found) == pytest.approx({**wanted, "RMSE": wanted["RMSE"] * scale, "MAE": wanted["MAE"] * scale}, rel=1e-6)
    assert found.constant == pytest.approx(np.std((x - shift) / scale) * scale, rel=1e-6)


@pytest.mark.parametrize("speakers", [False, True])
def test_intervals_are_those_of_a_bootstrap_done_by_hand(speakers):
    x, y = data(60, 1)
    labels = [f"s{n // 5}" for n in range(60)] if speakers else [""] * 60
    # Errors of a speaker resemble each other.
    y = y + (np.repeat(np.random.default_rng(2).standard_normal(12), 5) if speakers else 0)
    found = value_scores(items(x, y, labels), resamples=4000)
    rng = np.random.default_rng(3)
    draws = []
    for _ in range(4000):
        chosen = rng.integers(60, size=60)
        if speakers:
            chosen = (5 * rng.integers(12, size=12)[:, None] + np.arange(5)).ravel()
        draws.append(by_hand(x[chosen], y[chosen]))
    bounds = np.percentile(draws, [2.5, 97.5], axis=0).T
    widths = bounds[:, 1] - bounds[:, 0]
    for (low, high), width, figure in zip(bounds, widths, found.figures.values(), strict=True):
        assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.08 * width)
        assert figure.low < figure.value < figure.high


def by_hand(x: np.ndarray, y: np.ndarray) -> list[float]:
    # Quicker than scikit-learn, whose figures the test above has.
    e = y - x
    return [(e**2).mean() ** 0.5, np.abs(e).mean(), np.corrcoef(x, y)[0, 1], 1 - (e**2).sum() / ((x - x.mean()) ** 2).sum()]


def test_a_failed_utterance_is_left_out_and_counted():
    x, y = data(40, 4)
    found = value_scores(failing(items(x, y), {0, 7, 39}), resamples=200)
    kept = np.delete(np.arange(40), [0, 7, 39])
    assert found.number == 37
    assert figures(found) == pytest.approx(expected(x[kept], y[kept]))
    assert found.constant == pytest.approx(x[kept].std())
    with pytest.raises(ValueError, match="no utterance has a number"):
        value_scores(failing(items(x, y), set(range(40))), resamples=10)


def test_draws_without_any_number_have_no_part_in_an_interval():
    # Most draws of four hold none of the one that has a number.
    found = value_scores(failing(items([1.0] * 4, [3.0] * 4), {0, 1, 2}), resamples=500)
    assert (found.rmse.value, found.rmse.low, found.rmse.high) == (2, 2, 2)


def test_draws_whose_references_are_all_the_same_have_no_part_in_r_and_r2():
    # A third of the draws: of eleven 0.1 rounding leaves a spread above 0, which must not be taken for one.
    x = np.array([0.1] * 10 + [0.3])
    y = x + 0.02 * np.random.default_rng(9).standard_normal(11)
    found = value_scores(items(x, y), resamples=4000)
    rng = np.random.default_rng(10)
    drawn = (rng.integers(11, size=11) for _ in range(4000))
    draws = [by_hand(x[chosen], y[chosen]) for chosen in drawn if np.ptp(x[chosen])]
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    for name, place in (("r", 2), ("R2", 3)):
        figure = found.figures[name]
        assert (figure.low, figure.high) == pytest.approx((low[place], high[place]), abs=0.1 * (high[place] - low[place]))


@pytest.mark.parametrize("same", [0.1, 1e9 / 3, 0.0])
def test_what_never_varies_correlates_with_nothing(same):
    varied = same + np.array([0.0, 1.0, 3.0])
    found = value_scores(items([same] * 3, varied), resamples=50)
    assert (found.r, found.r2, found.constant) == (None, None, 0)
    assert found.rmse.value == pytest.approx((10 / 3) ** 0.5)
    found = value_scores(items(varied, [same] * 3), resamples=50)
    assert found.r is None
    assert found.r2.value == pytest.approx(metrics.r2_score([0, 1, 3], [0, 0, 0]))


def test_saying_the_mean_explains_nothing_and_the_truth_all():
    x, _ = data(30, 5)
    of_mean = value_scores(items(x, np.full(30, x.mean())), resamples=50)
    assert of_mean.rmse.value == pytest.approx(of_mean.constant)
    assert of_mean.r2.value == pytest.approx(0, abs=1e-12)
    truth = value_scores(items(x, x), resamples=50)
    assert (truth.rmse.value, truth.rmse.high, truth.r2.low) == (0, 0, 1)
    assert truth.r.low == pytest.approx(1)


def test_a_difference_is_of_the_rmse_over_utterances_that_both_have():
    x, y = data(50, 6)
    _, z = data(50, 6, noise=1.5)
    # What only one of them has: an error that would turn the sign.
    a, b = failing(items(x, np.where(np.arange(50) == 3, 1000, y)), {1}), failing(items(x, z), {3})
    found = value_difference(a, b, resamples=4000)
    kept = np.delete(np.arange(50), [1, 3])
    x, y, z = x[kept], y[kept], z[kept]
    assert found.difference == pytest.approx(metrics.mean_squared_error(x, y) ** 0.5 - metrics.mean_squared_error(x, z) ** 0.5)
    rng = np.random.default_rng(7)
    draws = []
    for _ in range(4000):
        chosen = rng.integers(len(x), size=len(x))
        draws.append(np.sqrt(((y - x)[chosen] ** 2).mean()) - np.sqrt(((z - x)[chosen] ** 2).mean()))
    low, high = np.percentile(draws, [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))
    assert found.p < 0.01
    turned = value_difference(b, a, resamples=4000)
    assert (turned.difference, turned.low, turned.high, turned.p) == pytest.approx(
        (-found.difference, -found.high, -found.low, found.p)
    )


def test_equal_systems_do_not_differ_and_strangers_are_not_compared():
    given = items(*data(20, 8))
    same = value_difference(given, given, resamples=100)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert value_difference(failing(given, range(10)), failing(given, range(10, 20)), resamples=10) is None
