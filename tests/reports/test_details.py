from __future__ import annotations

import re
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from speechrnn.records import Posteriors
from speechrnn.reports.details import Curve, Detail, choose, curves, spectrogram, stretches
from speechrnn.reports.timeline import LANE, path_of, timeline
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System


def evaluation(number: int, wrong: int, duration: float = 1.0) -> Evaluation:
    items = tuple(
        Item(f"u{n:03}", "a b c", "x " * min(3, wrong - n) if n < wrong else "a b c", duration=duration) for n in range(number)
    )
    return compare([System("x", "m", "chars", ("wer",), items)], resamples=5)


def test_the_worst_and_some_others_are_chosen() -> None:
    chosen = choose(evaluation(300, 120))
    worst = [key for key, why in chosen.items() if why == "worst"]
    assert sorted(worst) == [f"u{n:03}" for n in range(100)]
    assert sum(why == "random" for why in chosen.values()) == 50
    assert chosen == choose(evaluation(300, 120)), "the same every time"
    assert set(choose(evaluation(3, 1))) == {"u000", "u001", "u002"}


def test_there_is_no_more_sound_than_fits_and_both_kinds_have_their_share() -> None:
    chosen = choose(evaluation(300, 120, duration=40.0))
    assert len(chosen) == 30
    assert sum(why == "random" for why in chosen.values()) == 10
    assert choose(evaluation(5, 5, duration=3600.0)) == {}


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_tone_is_dark_at_its_frequency_and_time(rate: int) -> None:
    time = np.arange(rate) / rate
    samples = (np.sin(2 * np.pi * 1000 * time) * (time > 0.5)).astype(np.float32)
    picture = np.asarray(Image.open(BytesIO(spectrogram(samples, rate))).convert("L"))
    assert picture.shape == (64, 100)
    top = min(8_000, rate / 2)
    row, column = np.unravel_index(picture.argmin(), picture.shape)
    assert abs(64 - 0.5 - row - 1000 / top * 64) <= 1
    assert column > 50
    assert picture[:, :45].min() == 255, "silence is white"


def posteriors(rows: list[list[float]]) -> Posteriors:
    return Posteriors(np.log(np.array(rows, np.float32) + 1e-9), ("<blank>", "a", "b", "c"), 0.02, 0.01)


def test_curves_hold_what_is_likely_where_it_is_likely() -> None:
    rows = [[1, 0, 0, 0]] * 3 + [[0.2, 0.01, 0.75, 0.04], [0.4, 0.5, 0.06, 0.04]] + [[1, 0, 0, 0]] * 3
    blank, b, a = curves(posteriors(rows))
    assert [curve.token for curve in (blank, b, a)] == ["<blank>", "b", "a"], "blank, then by time; c is never likely"
    assert b.points == ((0.05, 0.0), (0.07, 0.75), (0.09, 0.06), (0.11, 0.0))
    assert curves(Posteriors(np.zeros((0, 2), np.float32), ("<blank>", "a"), 0.02)) == ()


def test_pieces_of_a_curve_are_parted_where_it_is_0() -> None:
    points = [(0.02 * n, 0.5) for n in (0, 1, 2, 7, 8, 20, 21)]
    pieces = stretches(points)
    assert [len(piece) for piece in pieces] == [3, 2, 2]
    assert [point for piece in pieces for point in piece] == points
    assert stretches([]) == []
    assert stretches([(0.0, 1.0)]) == [[(0.0, 1.0)]]


def test_a_timeline_places_tokens_by_time_and_joins_words() -> None:
    times = ((0.1, 0.2), (0.21, 0.3), (0.3, 0.4), (0.5, 0.6))
    item = Item("u", "ab c", "ab c", (), ("a", "b", "<space>", "c"), times, (0.9, 0.6, 0.9, 0.3), duration=1.0)
    found = compare([System("x", "m", "chars", ("wer",), (item,))], resamples=5)
    drawn = timeline(Detail(1.0, b"png", b"mp3", {"x": (Curve("a", ((0.0, 0.0), (0.02, 1.0))),)}), 0, found)
    assert drawn.width == 200
    assert drawn.picture == "data:image/png;base64,cG5n"
    assert drawn.sound == "data:audio/mpeg;base64,bXAz"
    (lane,) = drawn.lanes
    assert [(mark.text, mark.x, mark.sure) for mark in lane.marks] == [("a", 30.0, 2), ("b", 51.0, 1), ("c", 110.0, 0)]
    assert [(row.text, row.start, row.end, row.confidence) for row in drawn.times] == [("ab", 0.1, 0.3, 0.6), ("c", 0.5, 0.6, 0.3)]
    assert points_of(lane.traces[0].path) == [[(0.0, 100.0), (4.0, 0.0)]], "percent below the top of the lane"
    assert lane.base - lane.top == LANE
    assert [label for _, label in drawn.ticks] == ["0", "0.5", "1"]


def test_tokens_that_would_touch_are_written_in_two_rows() -> None:
    times = tuple((0.03 * n, 0.03 * n + 0.02) for n in range(20))
    item = Item("u", "", "", ("a",), ("a",) * 20, times, duration=1.0)
    found = compare([System("x", "m", "letters", ("per",), (item,))], resamples=5)
    marks = timeline(Detail(1.0), 0, found).lanes[0].marks
    for row in (0, 14):
        places = [mark.x for mark in marks if mark.y == row]
        assert len(places) > 5
        assert all(after - before >= 9 for before, after in pairwise(places))


def test_a_system_without_times_and_posteriors_has_no_lane() -> None:
    found = compare([System("x", "m", "chars", ("wer",), (Item("u", "a", "b", duration=1.0),))], resamples=5)
    drawn = timeline(Detail(1.0, b"png"), 0, found)
    assert (drawn.lanes, drawn.times, drawn.sound) == ((), (), "")


def points_of(path: str) -> list[list[tuple[float, float]]]:
    """The points of SVG path data of moves and relative lines, whose numbers a sign or a space parts."""
    lines = []
    for piece in path.split("M")[1:]:
        start, steps = piece.split("l")
        points = [tuple(map(float, start.split()))]
        numbers = [float(number) for number in re.findall(r"[+-]?[\d.]+", steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            points.append((points[-1][0] + dx, points[-1][1] + dy))
        lines.append(points)
    return lines


@pytest.mark.parametrize("seed", range(4))
def test_a_drawn_curve_passes_every_point_within_a_pixel_and_leaves_out_what_a_line_shows(seed: int) -> None:
    generator = np.random.default_rng(seed)
    smooth = np.convolve(generator.random(400), np.ones(25) / 25, mode="same")
    for values in (smooth, generator.random(400), np.full(400, 0.3), np.linspace(0, 1, 400)):
        points = [(2.0 * i, 100 * float(value)) for i, value in enumerate(values)]
        (line,) = points_of(path_of(points))
        xs, ys = zip(*line, strict=True)
        assert list(xs) == sorted(xs)
        assert (xs[0], xs[-1]) == pytest.approx((0, 798))
        away = np.abs(np.interp([x for x, _ in points], xs, ys) - [y for _, y in points])
        # Heights are written in whole percent.
        assert LANE / 100 * away.max() < 1.0
    assert len(points_of(path_of([(2.0 * i, 3.0 * i) for i in range(400)]))[0]) == 2
    assert len(points_of(path_of([(2.0 * i, 100 * float(value)) for i, value in enumerate(smooth)]))[0]) < 200
