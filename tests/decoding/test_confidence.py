"""Calibration against a search over all slopes and offsets, and its edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from speechrnn.decoding.confidence import LEAST, Calibration, Calibrations, fit, logit
from speechrnn.decoding.greedy import Path
from speechrnn.errors import UsageError


def planted(slope: float, offset: float, number: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and right and wrong drawn from what the map makes of them."""
    rng = np.random.default_rng(7)
    raw = 1 / (1 + np.exp(-rng.normal(1, 2, number)))
    return raw, rng.random(number) < Calibration(slope, offset)(raw)


def loss(calibration: Calibration, raw: np.ndarray, right: np.ndarray) -> float:
    """Cross entropy with Platt's targets, written out."""
    n_right, n_wrong = right.sum(), (~right).sum()
    total = 0.0
    for p, is_right in zip(calibration(raw).tolist(), right.tolist(), strict=True):
        target = (n_right + 1) / (n_right + 2) if is_right else 1 / (n_wrong + 2)
        total -= target * math.log(p) + (1 - target) * math.log(1 - p)
    return total


def test_the_planted_map_is_found() -> None:
    found = fit(*planted(0.5, 0.8))
    assert found is not None
    assert (found.slope, found.offset) == (pytest.approx(0.5, abs=0.08), pytest.approx(0.8, abs=0.15))


def test_no_neighbour_is_likelier() -> None:
    raw, right = planted(0.7, -0.4, 300)
    found = fit(raw, right)
    assert found is not None
    best = loss(found, raw, right)
    for slope in np.linspace(-0.2, 0.2, 9):
        for offset in np.linspace(-0.3, 0.3, 9):
            assert best <= loss(Calibration(found.slope + slope, found.offset + offset), raw, right) + 1e-6


def test_what_was_surer_stays_surer() -> None:
    calibration = fit(*planted(0.5, 0.8))
    assert calibration is not None
    mapped = calibration(np.array([0.0, 1e-3, 0.2, 0.5, 0.99, 1.0]))
    assert (np.diff(mapped) > 0).all()
    assert 0 < mapped[0] < mapped[-1] < 1


def test_confidences_that_mislead_become_the_share_that_is_right() -> None:
    raw, right = planted(0.5, 0.0)
    found = fit(1 - raw, right)
    assert found is not None
    assert found.slope == 0
    np.testing.assert_allclose(found(raw[:3]), right.mean(), atol=0.01)


def test_data_that_one_threshold_parts_leave_the_slope_finite() -> None:
    right = np.arange(100) >= 50
    found = fit(np.where(right, 0.9, 0.1), right)
    assert found is not None
    assert found.slope < 5


def test_extremes_are_finite() -> None:
    found = fit(np.array([0.0] * 15 + [1.0] * 30), np.array([False] * 10 + [True] * 35))
    assert found is not None
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize("number", [0, LEAST - 1])
def test_too_few_of_either_are_not_fitted(number: int) -> None:
    right = np.arange(200) >= number
    assert fit(np.linspace(0, 1, 200), right) is None
    assert fit(np.linspace(0, 1, 200), ~right) is None


@pytest.mark.parametrize(("slope", "offset"), [(-0.1, 0.0), (math.nan, 0.0), (math.inf, 0.0), (1.0, math.inf)])
def test_impossible_maps_are_refused(slope: float, offset: float) -> None:
    with pytest.raises(UsageError, match="a calibration with slope"):
        Calibration(slope, offset)


def test_a_word_is_as_sure_as_its_least_sure_token() -> None:
    frames = np.arange(3)
    path = Path(frames, frames, frames + 1, np.array([0.9, 0.5, 0.8]))
    words = (("ab", 0, 2), ("c", 2, 3))
    same, sure = Calibrations().apply(path, words)
    assert (same, sure) == (path, (0.5, 0.8))
    known, sure = Calibrations(Calibration(2.0, 0.0), Calibration(1.0, 1.0)).apply(path, words)
    assert sure == (pytest.approx(0.5), pytest.approx(16 / 17))
    np.testing.assert_allclose(logit(known.confidences), logit(path.confidences) + 1)
