from __future__ import annotations

import numpy as np
import pytest

from speechrnn.reports.charts import HEIGHT, WIDTH, calibration, scatter, training
from speechrnn.reports.training import Series, Training, series_of
from speechrnn.scoring.calibration import reliability


def test_points_of_the_calibration_plot_give_the_calibration_error() -> None:
    generator = np.random.default_rng(1)
    sure = generator.random(3000)
    found = reliability([sure], [generator.random(3000) < sure**2], resamples=10)
    assert found is not None
    error = sum(one.number * abs(one.confidence - one.right) for one in found.bins) / 3000
    assert error == pytest.approx(found.ece.value)
    chart = calibration("x", found)
    assert len(chart.dots) == 15
    for dot, one in zip(chart.dots, found.bins, strict=True):
        assert (dot.x / WIDTH, 1 - dot.y / HEIGHT) == pytest.approx((one.confidence, one.right))


def test_series_are_means_of_epochs_and_skip_what_is_no_number() -> None:
    rows = [
        {"epoch": "1", "loss": "4", "dev_error": ""},
        {"epoch": "1", "loss": "2", "dev_error": ""},
        {"epoch": "1", "loss": "", "dev_error": "50"},
        {"epoch": "2", "loss": "1", "dev_error": "nonsense"},
        {"epoch": "3", "loss": "0.5", "dev_error": "20"},
        {"rung": "tri"},
    ]
    assert series_of(rows) == (Series("loss", ((1, 3.0), (2, 1.0), (3, 0.5))), Series("dev_error", ((1, 50.0), (3, 20.0))))


def test_curves_lie_inside_their_picture_and_end_where_the_training_ended() -> None:
    points = tuple((float(epoch), 100.0 / epoch) for epoch in range(1, 76))
    (chart,) = training("x", Training((Series("dev_error", points), Series("dev_wer", points))))
    assert [line.name for line in chart.lines] == ["tokens", "words"]
    places = [tuple(map(float, pair.split(","))) for pair in chart.lines[0].points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert places[-1][0] == WIDTH
    assert chart.lines[0].last == "1.33"
    top = float(chart.y[-1].label)
    assert places[-1][1] == pytest.approx(HEIGHT * (1 - points[-1][1] / top), abs=0.1)


def test_a_model_without_a_log_has_no_curves() -> None:
    assert training("x", Training()) == []


def test_rungs_of_a_ladder_are_curves_of_what_they_have_gained() -> None:
    likelihoods = {"mono": [-60.0, -58.0, -55.5], "tri": [-54.0, -54.5, -53.0], "lda": [-50.0]}
    rows = [{"rung": rung, "log_likelihood": str(value)} for rung, values in likelihoods.items() for value in values]
    found = series_of(rows)
    assert found == (Series("gained: mono", ((0, 0.0), (1, 2.0), (2, 4.5))), Series("gained: tri", ((0, 0.0), (1, -0.5), (2, 1.0))))
    (chart,) = training("x", Training(found))
    assert (chart.x_label, [line.name for line in chart.lines]) == ("iteration", ["mono", "tri"])
    for line in chart.lines:
        places = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-4, 0.0), (1e5, -3e5), (0.0, 7.0), (0.0, 0.0)])
def test_estimates_lie_on_the_diagonal_where_they_are_right_and_above_it_where_too_high(scale: float, shift: float) -> None:
    generator = np.random.default_rng(2)
    truth = scale * generator.standard_normal(30) + shift
    chart = scatter("x", [("u", value, value) for value in truth] + [("v", truth.min(), truth.max())], "told")
    *right, high = [(dot.x / WIDTH, 1 - dot.y / HEIGHT) for dot in chart.dots]
    assert all(0 <= place <= 1 and place == pytest.approx(other) for place, other in right)
    assert high[1] >= high[0]
    assert (high[1] > high[0]) == (scale > 0)
    # The ticks say where a number is drawn.
    labels, places = [float(tick.label) for tick in chart.x], [tick.place / WIDTH for tick in chart.x]
    assert 2 <= len(labels) <= 7
    assert (places[0], places[-1]) == (0, 1)
    assert [place for place, _ in right] == pytest.approx(np.interp(truth, labels, places), abs=1e-3)
    assert [HEIGHT * (1 - place) for place in places] == pytest.approx([tick.place for tick in chart.y])
