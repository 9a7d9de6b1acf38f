"""The picture of an utterance: spectrogram, and below it what each system thought when, on one axis of time."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from speechrnn.reports.details import Curve, Detail, stretches
from speechrnn.scoring.results import Evaluation, Item

SECOND = 200
"""Pixels a second of time takes."""
PICTURE, LANE, LABELS, AXIS = 96, 44, 36, 16
"""Heights (px): spectrogram, a system's posteriors, its tokens, the axis."""
COLORS = 6
NEAR = 1.7
"""Percent by which a drawn curve may miss one of its points; with heights in whole percent still less than a pixel of a lane."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A token's curve: SVG path data, in pixels of time and percent below the top, and the number of its color (blank: none)."""

    token: str
    path: str
    color: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A token that was heard: where it is written (``y`` below the lane's first row), how sure it is (0 to 3), and all about it."""

    text: str
    x: int
    y: int
    sure: int
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One system: y of its top, of its base line and of its tokens."""

    system: str
    top: float
    base: float
    tokens: float
    traces: tuple[Trace, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """A row of the table of times: a word or token with start and end (s) and confidence."""

    system: str
    text: str
    start: float
    end: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything the template draws; sound and picture are data URLs or empty."""

    width: float
    height: float
    picture: str
    sound: str
    ticks: tuple[tuple[float, str], ...]
    axis: float
    lanes: tuple[Lane, ...]
    times: tuple[Timed, ...]
    why: str
    second: int = SECOND


def timeline(detail: Detail, index: int, evaluation: Evaluation) -> Timeline:
    """Lay out the utterance number ``index`` of an evaluation."""
    y = float(PICTURE if detail.spectrogram else 0)
    axis = y
    y += AXIS
    lanes = []
    times: list[Timed] = []
    for system in evaluation.systems:
        item = system.items[index]
        traces = detail.curves.get(system.name, ())
        if not traces and not item.times:
            continue
        top, base = y + 12, y + 12 + (LANE if traces else 0)
        lanes.append(Lane(system.name, top, base, base + 14, tuple(_traces(traces)), _marks(item)))
        y = base + LABELS
        times += _times(system.name, item)
    width = max(1.0, detail.duration * SECOND)
    ticks = tuple((half * SECOND / 2, f"{half / 2:g}") for half in range(int(2 * detail.duration) + 1))
    return Timeline(
        round(width, 1),
        y + 2,
        _url("image/png", detail.spectrogram),
        _url("audio/mpeg", detail.audio),
        ticks,
        axis,
        tuple(lanes),
        tuple(times),
        detail.why,
    )


def _traces(curves: tuple[Curve, ...]) -> list[Trace]:
    numbers: dict[str, int] = {}
    traces = []
    for place, curve in enumerate(curves):
        blank = place == 0 and curve.token.startswith("<blank")
        pieces = [
            path_of([(SECOND * time, 100 * (1 - value)) for time, value in piece])
            for piece in stretches(curve.points)
            if len(piece) > 1
        ]
        color = None if blank else numbers.setdefault(curve.token, len(numbers)) % COLORS
        traces.append(Trace(shown(curve.token), "".join(pieces), color))
    return traces


def path_of(points: Sequence[tuple[float, float]]) -> str:
    """A line through two points or more as SVG path data, less than a pixel away from each.

    Steps are relative, and the sign parts their two numbers, to be short.

    Args:
        points: pixels from the start (written in tenths) and percent (written whole), in order of time.
    """
    places = [(round(10 * x), round(y)) for x, y in (points[i] for i in _corners(points))]
    steps = (f"{(after[0] - before[0]) / 10:g}{after[1] - before[1]:+d}" for before, after in pairwise(places))
    (x, y), *_ = places
    return f"M{x / 10:g} {y}l" + " ".join(steps)


def _corners(points: Sequence[tuple[float, float]]) -> list[int]:
    """The points that a line must go through so that no other one is further than ``NEAR`` above or below it (Ramer 1972;
    Douglas and Peucker 1973)."""
    kept = {0, len(points) - 1}
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        (x, y), (end, height) = points[first], points[last]
        slope = (height - y) / (end - x)
        away = [abs(points[i][1] - y - slope * (points[i][0] - x)) for i in range(first + 1, last)]
        if away and max(away) > NEAR:
            corner = first + 1 + away.index(max(away))
            kept.add(corner)
            waiting += [(first, corner), (corner, last)]
    return sorted(kept)


def _marks(item: Item) -> tuple[Mark, ...]:
    """Every token but word boundaries; one that would touch its neighbour is written a row lower."""
    marks = []
    ends = [-math.inf, -math.inf]
    sure = item.confidences or (None,) * len(item.tokens)
    for token, (start, end), confidence in zip(item.tokens, item.times, sure, strict=False):
        if shown(token) == "␣":
            continue
        x, half = SECOND * (start + end) / 2, 4.5 * len(token)
        row = 0 if x - half >= ends[0] or ends[0] <= ends[1] else 1
        ends[row] = x + half
        level = 3 if confidence is None else sum(confidence >= limit for limit in (0.5, 0.8, 0.95))
        said = "" if confidence is None else f", {100 * confidence:.0f} %"
        marks.append(Mark(token, round(x), 14 * row, level, f"{start:.2f} – {end:.2f} s{said}"))
    return tuple(marks)


def _times(system: str, item: Item) -> list[Timed]:
    """Words of a model of characters, from their first letter to their last, as sure as the least sure letter; else tokens."""
    sure: tuple[float | None, ...] = item.confidences or (None,) * len(item.tokens)
    found: list[Timed] = []
    begin = True
    has_spaces = any(shown(token) == "␣" for token in item.tokens)
    for token, (start, end), confidence in zip(item.tokens, item.times, sure, strict=False):
        if shown(token) == "␣":
            begin = True
        elif begin or not has_spaces:
            found.append(Timed(system, token, start, end, confidence))
            begin = False
        else:
            word = found.pop()
            least = None if confidence is None or word.confidence is None else min(confidence, word.confidence)
            found.append(Timed(system, word.text + token, word.start, end, least))
    return found


def shown(token: str) -> str:
    """A token as it is written on the page: the word boundary as ␣."""
    return "␣" if token in {" ", "<space>"} else token


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}" if content else ""
