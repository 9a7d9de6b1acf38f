"""What the page shows, worked out before any HTML is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from speechrnn.reports.confusions import Confusions, confusions
from speechrnn.reports.summary import probability
from speechrnn.scoring.calibration import Figure
from speechrnn.scoring.rates import kaldi_line
from speechrnn.scoring.results import Evaluation, Measure, System
from speechrnn.scoring.units import METRICS
from speechrnn.scoring.values import ValueScores

FREQUENT = 15
"""Errors of a kind shown."""


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval as a drawing: positions in percent of its width."""

    low: float
    middle: float
    high: float
    zero: float


@dataclass(frozen=True, slots=True)
class RateRow:
    """A row of the headline table."""

    system: System
    metric: str
    measure: Measure
    right: int
    whisker: Whisker


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A row of the headline table where numbers are given; no figure where it is not defined."""

    system: System
    name: str
    figure: Figure | None
    scores: ValueScores
    whisker: Whisker | None


@dataclass(frozen=True, slots=True)
class PairRow:
    """A row of the table of differences; of numbers without matched pairs, 0 segments."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p: str
    matched_p: str
    z: str
    segments: int
    verdict: str
    whisker: Whisker


@dataclass(frozen=True, slots=True)
class Frequent:
    """The commonest errors of a system by one rate; the number of others is told, and of utterances without hypothesis."""

    system: str
    metric: str
    what: str
    found: Confusions
    failed: int


def rate_rows(evaluation: Evaluation) -> list[RateRow]:
    """Every system and rate; the drawings of one rate share their scale, which starts at 0."""
    measures = [
        (system, metric, evaluation.measures[system.name][metric]) for system in evaluation.systems for metric in system.metrics
    ]
    widest = {name: max([m.high for _, metric, m in measures if metric == name] + [1e-9]) for name in METRICS}
    rows = []
    for system, metric, measure in measures:
        low, middle, high = (100 * value / widest[metric] for value in (measure.low, measure.counts.percent, measure.high))
        rows.append(RateRow(system, metric, measure, evaluation.right(system), Whisker(low, min(middle, 100), high, 0)))
    return rows


def value_rows(evaluation: Evaluation) -> list[ValueRow]:
    """Every system that gives numbers, and figure; the drawings of one figure share their scale, from 0 to the highest bound."""
    figures = [
        (system, name, figure)
        for system in evaluation.systems
        if evaluation.values
        for name, figure in evaluation.values[system.name].figures.items()
    ]
    widest: dict[str, float] = {}
    for _, name, figure in figures:
        widest[name] = max(widest.get(name, 0.0), figure.high if figure else 0.0)
    rows = []
    for system, name, figure in figures:
        whisker = None
        if figure:
            places = (100 * value / (widest[name] or 1.0) for value in (figure.low, figure.value, figure.high))
            low, middle, high = (min(max(place, 0.0), 100.0) for place in places)
            whisker = Whisker(low, middle, high, 0)
        rows.append(ValueRow(system, name, figure, evaluation.values[system.name], whisker))
    return rows


def pair_rows(evaluation: Evaluation) -> list[PairRow]:
    """Every two systems; all drawings share a scale with 0 in the middle."""
    reach = max([max(abs(pair.difference.low), abs(pair.difference.high)) for pair in evaluation.pairs], default=0.0) or 1.0

    def place(value: float) -> float:
        return 50 + 50 * max(-1.0, min(1.0, value / reach))

    rows = []
    for pair in evaluation.pairs:
        d = pair.difference
        if d.low <= 0 <= d.high:
            verdict = "no clear difference: the interval holds 0"
        else:
            verdict = f"{pair.a if d.difference < 0 else pair.b} is better"
        whisker = Whisker(place(d.low), place(d.difference), place(d.high), 50)
        matched = ("–", "–", 0)
        if pair.matched:
            z = f"{pair.matched.z:+.2f}".replace("-", "\u2212").replace("inf", "∞")
            matched = (probability(pair.matched.p), z, pair.matched.segments)
        figures = (d.difference, d.low, d.high, probability(d.p))
        rows.append(PairRow(pair.a, pair.b, pair.metric, *figures, *matched, verdict, whisker))
    return rows


def frequent(evaluation: Evaluation) -> list[Frequent]:
    """The commonest errors of every system and rate."""
    heard = {system.name: [item for item in system.items if not item.failure] for system in evaluation.systems}
    rows = []
    for system in evaluation.systems:
        failed = len(system.items) - len(heard[system.name])
        rows += [Frequent(system.name, m, METRICS[m], confusions(heard[system.name], m), failed) for m in system.metrics]
    return rows


def kaldi_lines(evaluation: Evaluation) -> list[tuple[str, str]]:
    """System and Kaldi's line, for each rate."""
    return [
        (system.name, kaldi_line(measure.counts, metric.upper()))
        for system in evaluation.systems
        for metric, measure in evaluation.measures[system.name].items()
    ]


def duration(seconds: Any) -> str:
    """A time a person can read.

    >>> duration(75), duration(4000), duration(0.4), duration(None)
    ('1 min 15 s', '1 h 7 min', '0.4 s', '–')
    """
    if not isinstance(seconds, int | float):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {round(seconds / 60) % 60} min"
