"""What the page shows, worked out before any HTML is written."""

from __future__ import annotations

from dataclasses import dataclass

from speechrnn.reports.confusions import Confusions, confusions
from speechrnn.reports.summary import probability
from speechrnn.scoring.align import Pair, align
from speechrnn.scoring.rates import Counts, kaldi_line
from speechrnn.scoring.results import Evaluation, Measure, System
from speechrnn.scoring.units import METRICS

WORST = 50
"""Utterances shown, those with the most errors."""
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
class PairRow:
    """A row of the table of differences."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p: str
    verdict: str
    whisker: Whisker


@dataclass(frozen=True, slots=True)
class Line:
    """One system's alignment of one utterance."""

    system: str
    counts: Counts
    pairs: list[Pair]
    failure: str


@dataclass(frozen=True, slots=True)
class UtteranceBlock:
    """One utterance with every system's alignment; ``metric`` says what is aligned."""

    id: str
    speaker: str
    duration: float
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Frequent:
    """The commonest errors of a system by one rate; the number of others is told."""

    system: str
    metric: str
    what: str
    found: Confusions


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


def pair_rows(evaluation: Evaluation) -> list[PairRow]:
    """Every two systems; all drawings share a scale with 0 in the middle."""
    reach = max([max(abs(pair.difference.low), abs(pair.difference.high)) for pair in evaluation.pairs] + [1e-9])

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
        rows.append(PairRow(pair.a, pair.b, pair.metric, d.difference, d.low, d.high, probability(d.p), verdict, whisker))
    return rows


def worst(evaluation: Evaluation, limit: int = WORST) -> list[UtteranceBlock]:
    """Utterances with errors, by errors of the system that made the most, then by id; aligned by each system's headline rate."""
    by_system = [evaluation.measures[system.name][system.metrics[0]].by_utterance for system in evaluation.systems]
    order = []
    for index, item in enumerate(evaluation.systems[0].items):
        errors = max(counts[index].errors for counts in by_system)
        failed = any(system.items[index].failure for system in evaluation.systems)
        if errors or failed:
            order.append((-errors, item.id, index))
    blocks = []
    for _, _, index in sorted(order)[:limit]:
        lines = [
            Line(system.name, counts[index], align(*system.items[index].sides(system.metrics[0])), system.items[index].failure)
            for system, counts in zip(evaluation.systems, by_system, strict=True)
        ]
        first = evaluation.systems[0].items[index]
        blocks.append(UtteranceBlock(first.id, first.speaker, first.duration, lines))
    return blocks


def frequent(evaluation: Evaluation) -> list[Frequent]:
    """The commonest errors of every system and rate."""
    return [
        Frequent(system.name, metric, METRICS[metric], confusions([item for item in system.items if not item.failure], metric))
        for system in evaluation.systems
        for metric in system.metrics
    ]


def kaldi_lines(evaluation: Evaluation) -> list[tuple[str, str]]:
    """System and Kaldi's line, for each rate."""
    return [
        (system.name, kaldi_line(measure.counts, metric.upper()))
        for system in evaluation.systems
        for metric, measure in evaluation.measures[system.name].items()
    ]
