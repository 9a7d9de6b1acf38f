"""Figures of reliability against their definitions, written out in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from speechrnn.scoring.calibration import (
    BINS,
    area_under_roc,
    brier_score,
    expected_calibration_error,
    reliability,
    right_ones,
)


def plain_error(p: list[float], right: list[bool]) -> float:
    total = 0.0
    for b in range(BINS):
        inside = [i for i, value in enumerate(p) if b / BINS <= value < (b + 1) / BINS or (b == BINS - 1 and value == 1.0)]
        if inside:
            sure = sum(p[i] for i in inside) / len(inside)
            share = sum(right[i] for i in inside) / len(inside)
            total += len(inside) / len(p) * abs(sure - share)
    return total


def plain_area(p: list[float], right: list[bool]) -> float:
    pairs = [(a, b) for a, is_right in zip(p, right, strict=True) if is_right for b, r in zip(p, right, strict=True) if not r]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


def draw(seed: int, number: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    # Rounded, so that there are ties.
    p = rng.random(number).round(2)
    return p, rng.random(number) < p


@pytest.mark.parametrize("seed", range(10))
def test_figures_equal_their_definitions(seed: int) -> None:
    p, right = draw(seed)
    assert expected_calibration_error(p, right) == pytest.approx(plain_error(p.tolist(), right.tolist()))
    assert area_under_roc(p, right) == pytest.approx(plain_area(p.tolist(), right.tolist()))
    assert brier_score(p, right) == pytest.approx(sum((a - b) ** 2 for a, b in zip(p, right, strict=True)) / len(p))


def test_edges() -> None:
    sure = np.ones(4)
    yes, no = np.ones(4, bool), np.zeros(4, bool)
    assert (expected_calibration_error(sure, yes), brier_score(sure, yes)) == (0.0, 0.0)
    assert (expected_calibration_error(sure, no), brier_score(sure, no)) == (1.0, 1.0)
    assert math.isnan(area_under_roc(sure, yes))
    assert area_under_roc(sure, np.array([True, False, True, False])) == 0.5
    assert area_under_roc(np.array([0.1, 0.9]), np.array([False, True])) == 1.0


def test_reliability_of_what_is_calibrated_and_of_what_is_not() -> None:
    p, right = draw(1, 4000)
    parts = [(p[i : i + 20], right[i : i + 20]) for i in range(0, 4000, 20)]
    found = reliability([a for a, _ in parts], [b for _, b in parts])
    assert found is not None
    assert (found.number, found.wrong) == (4000, int((~right).sum()))
    assert found.ece.value < 0.03
    assert found.auc is not None
    assert found.auc.low < found.auc.value < found.auc.high
    assert found.brier.high < found.constant
    boasting = reliability([np.sqrt(a) for a, _ in parts], [b for _, b in parts])
    assert boasting is not None
    assert boasting.ece.low > found.ece.high
    assert boasting.auc is not None
    assert boasting.auc.value == found.auc.value, "only the order counts"
    assert found == reliability([a for a, _ in parts], [b for _, b in parts]), "the same draws every time"


def test_intervals_have_the_width_that_theory_gives() -> None:
    p, right = draw(2, 2000)
    found = reliability(list(p[:, None]), list(right[:, None]))
    assert found is not None
    error = np.square(p - right).std() / math.sqrt(len(p))
    assert found.brier.high - found.brier.low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_speakers_are_drawn_where_there_are_enough() -> None:
    rng = np.random.default_rng(3)
    parts = [np.full(30, value) for value in rng.random(40)]
    right = [np.full(30, rng.random() < 0.5) for _ in parts]
    halves = [half for row in parts for half in np.split(row, 30)], [half for row in right for half in np.split(row, 30)]
    by_utterance = reliability(*halves)
    by_speaker = reliability(*halves, [f"s{i // 30}" for i in range(1200)])
    assert by_utterance is not None
    assert by_speaker is not None
    assert by_speaker.brier.high - by_speaker.brier.low > 3 * (by_utterance.brier.high - by_utterance.brier.low)


def test_nothing_heard_and_nothing_wrong() -> None:
    nothing = np.zeros(0)
    assert reliability([nothing], [nothing.astype(bool)]) is None
    found = reliability([np.array([0.5, 0.9]), nothing], [np.array([True, True]), nothing.astype(bool)])
    assert found is not None
    assert (found.auc, found.constant, found.wrong) == (None, 0.0, 0)
    assert "area under ROC -" in found.line("words")


def test_right_ones() -> None:
    assert right_ones([], ["a"]).tolist() == [False]
    assert right_ones(["a"], []).tolist() == []
    assert right_ones(["a", "b"], ["a", "c", "b"]).tolist() == [True, False, True]
