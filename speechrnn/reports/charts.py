"""Small drawings as numbers: positions in a picture of ``WIDTH`` x ``HEIGHT``, drawn by the page's own templates.

Drawn by hand, not by matplotlib: its SVG styles every element by an attribute, which the page's Content-Security-Policy refuses,
and keeps its colors in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from speechrnn.reports.training import GAINED, Training
from speechrnn.scoring.calibration import Reliability

WIDTH, HEIGHT = 320, 200


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its place and its text."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name, the number of its color, and its points as an SVG list."""

    name: str
    color: int
    points: str
    last: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a scatter: place, radius, and what it says."""

    x: float
    y: float
    radius: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with axes; ``y`` grows downwards as in SVG. ``told`` is read out in place of many dots."""

    title: str
    x_label: str
    y_label: str
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    diagonal: bool = False
    told: str = ""


def calibration(title: str, found: Reliability) -> Chart:
    """Confidence against the share that is right; a dot's area is the number of items in its bin."""
    most = max((one.number for one in found.bins), default=1)
    ticks = [(value, f"{100 * value:.0f}") for value in (0, 0.25, 0.5, 0.75, 1)]
    dots = tuple(
        Dot(
            WIDTH * one.confidence,
            HEIGHT * (1 - one.right),
            2 + 8 * math.sqrt(one.number / most),
            f"{one.number}: {100 * one.confidence:.0f} % sure, {100 * one.right:.0f} % right",
        )
        for one in found.bins
    )
    x = tuple(Tick(WIDTH * value, label) for value, label in ticks)
    y = tuple(Tick(HEIGHT * (1 - value), label) for value, label in ticks)
    return Chart(title, "confidence (%)", "right (%)", x, y, dots=dots, diagonal=True)


def scatter(title: str, found: Sequence[tuple[str, float, float]], told: str) -> Chart:
    """Estimates over references, both axes alike: the diagonal is where nothing is off.

    Args:
        title: of the drawing.
        found: id, reference and estimate of one utterance or more.
        told: what it shows, in words.
    """
    values = [value for _, *both in found for value in both]
    low, high = min(values), max(values)
    step = nice((high - low) / 4 or abs(low) or 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        first, last = first - 1, last + 1

    def place(value: float) -> float:
        return (value / step - first) / (last - first)

    ticks = [(place(k * step), f"{k * step:.5g}") for k in range(first, last + 1)]
    return Chart(
        title,
        "reference",
        "estimate",
        tuple(Tick(WIDTH * at, label) for at, label in ticks),
        tuple(Tick(HEIGHT * (1 - at), label) for at, label in ticks),
        dots=tuple(
            Dot(WIDTH * place(x), HEIGHT * (1 - place(y)), 3, f"{name}: {x:.5g}, estimated {y:.5g}") for name, x, y in found
        ),
        diagonal=True,
        told=told,
    )


_PANELS = (
    ("Error on dev", "percent", {"dev_error": "tokens", "dev_wer": "words"}),
    ("Loss", "nats an utterance", {"loss": "train", "dev_loss": "dev"}),
)


def training(name: str, found: Training, unit: str = "") -> list[Chart]:
    """Errors and losses over the epochs, each from 0 up; values above three times the median are cut off.

    Args:
        name: of the system.
        found: its curves.
        unit: of the system: what errors on dev are of.
    """
    series = {one.name: one.points for one in found.series}
    charts = []
    for title, axis, names in _PANELS:
        shown = {label: series[key] for key, label in names.items() if key in series}
        if unit == "value" and "tokens" in shown:
            shown = {"RMSE, 100 for saying the mean": shown["tokens"]}
        if shown:
            charts.append(_curves(f"{title}, {name}", axis, shown))
    rungs = {key.removeprefix(GAINED): points for key, points in series.items() if key.startswith(GAINED)}
    if rungs:
        charts.append(replace(_curves(f"Gain in log likelihood, {name}", "nats a frame", rungs), x_label="iteration"))
    return charts


def _curves(title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> Chart:
    values = sorted(value for points in series.values() for _, value in points)
    top = nice(max(min(values[-1], 3 * values[len(values) // 2]), 0.0) or 1.0)
    last = max(x for points in series.values() for x, _ in points)
    lines = tuple(
        Line(
            label,
            color,
            " ".join(f"{WIDTH * x / last:.1f},{HEIGHT * (1 - min(max(y, 0.0), top) / top):.1f}" for x, y in points),
            f"{points[-1][1]:.3g}",
        )
        for color, (label, points) in enumerate(series.items())
    )
    y = tuple(Tick(HEIGHT * (1 - part / 4), f"{top * part / 4:.3g}") for part in range(5))
    step = nice(last / 5)
    x = tuple(Tick(WIDTH * k * step / last, f"{k * step:.0f}") for k in range(1, int(last / step) + 1)) if step >= 1 else ()
    return Chart(title, "epoch", unit, x, y, lines)


def nice(value: float) -> float:
    """The next number upwards of 1, 2 or 5 times a power of ten.

    >>> nice(0.7), nice(13), nice(50)
    (1.0, 20.0, 50.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return next(float(step * power) for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
