"""The figures in plain lines, for a terminal."""

from __future__ import annotations

from typing import Any

from speechrnn.reports.analysis import Analysis, analyse
from speechrnn.scoring.rates import kaldi_line
from speechrnn.scoring.results import Evaluation, System
from speechrnn.scoring.translation import TranslationScore
from speechrnn.scoring.values import ValueScores

HEADER = ["system", "rate", "%", "95 % interval", "failed", "x real time"]
VALUE_HEADER = ["system", "figure", "value", *HEADER[3:]]


def rows(evaluation: Evaluation) -> list[list[Any]]:
    """A row for each system and rate, under :func:`header`; of numbers a row for each figure."""
    found: list[list[Any]] = []
    for system in evaluation.systems:
        figures = [
            (metric.upper(), f"{measure.counts.percent:.2f}", f"{measure.low:.2f} - {measure.high:.2f}")
            for metric, measure in evaluation.measures[system.name].items()
        ]
        if system.name in evaluation.values:
            known = {name: figure for name, figure in evaluation.values[system.name].figures.items() if figure}
            figures += [(name, digits(f.value), f"{digits(f.low)} - {digits(f.high)}") for name, f in known.items()]
        speed = "-" if system.real_time_factor is None else f"{system.real_time_factor:.3f}"
        found += [[system.name, *figure, len(system.failed), speed] for figure in figures]
    return found


def header(evaluation: Evaluation) -> list[str]:
    """What stands over :func:`rows`."""
    return VALUE_HEADER if evaluation.values else HEADER


def lines(evaluation: Evaluation, analysis: Analysis | None = None) -> list[str]:
    """Kaldi's line for each system and rate, with interval and name behind it; of numbers a line of figures; what its confidences
    are worth; then a line for each two systems.

    ``%WER 7.28 [ 411 / 5643, 58 ins, 38 del, 315 sub ]  95 % 6.51 - 8.10  hyp.txt``

    ``analysis`` is of this evaluation, where it was made already.
    """
    analysis = analysis or analyse(evaluation)
    found = []
    for system in evaluation.systems:
        for metric, measure in evaluation.measures[system.name].items():
            line = kaldi_line(measure.counts, metric.upper())
            found.append(f"{line}  95 % {measure.low:.2f} - {measure.high:.2f}  {system.name}")
    found += [
        f"{system.name}: {_off(system, evaluation.values[system.name])}" for system in evaluation.systems if evaluation.values
    ]
    for name, scores in analysis.scores.items():
        bounds = (scores.accuracy_interval, scores.macro_f1_interval)
        said = [
            f"{what} {percent:.2f} %, 95 % {b.low:.2f} - {b.high:.2f}"
            for what, percent, b in zip(("accuracy", "macro F1"), (scores.accuracy, scores.macro_f1), bounds, strict=True)
        ]
        found.append(f"{name}: {'; '.join(said)}")
    for name, timed in analysis.frames.items():
        frames, segments = timed.error_interval, timed.f1_interval
        found.append(
            f"{name}: {timed.error:.2f} % of {timed.frames} frames wrong, 95 % {frames.low:.2f} - {frames.high:.2f}; segments "
            f"within 20 ms: F1 {timed.f1:.2f} %, 95 % {segments.low:.2f} - {segments.high:.2f}"
        )
    found += [f"{name}: {'; '.join(_translated(one) for one in scores)}" for name, scores in analysis.translations.items()]
    for system in evaluation.systems:
        found += [f"{system.name}: {worth.line(what)}" for what, worth in system.reliability.items()]
    for pair in evaluation.pairs:
        d, matched = pair.difference, pair.matched
        apart, low, high = (f"{value:+.2f}" if matched else digits(value, "+") for value in (d.difference, d.low, d.high))
        points = f"{apart} {pair.metric.upper()}, 95 % {low} to {high}, p {probability(d.p)}"
        test = f"; matched pairs p {probability(matched.p)} ({matched.segments} segments)" if matched else ""
        found.append(f"{pair.a} minus {pair.b}: {points} (paired bootstrap over {evaluation.drawn}){test}")
    return found


def _off(system: System, scores: ValueScores) -> str:
    """How far numbers are off."""
    told = [
        f"{name} {digits(figure.value)}, 95 % {digits(figure.low)} - {digits(figure.high)}" if figure else f"{name} not defined"
        for name, figure in scores.figures.items()
    ]
    told.insert(1, f"RMSE of always saying the mean {digits(scores.constant)}")
    left_out = f", {len(system.failed)} failed and left out" if system.failed else ""
    return f"{system.source} of {scores.number} utterances{left_out}: {'; '.join(told)}"


def _translated(one: TranslationScore) -> str:
    return f"{one.name} {one.score:.2f}, 95 % {one.low:.2f} - {one.high:.2f}"


def digits(value: float, sign: str = "-") -> str:
    """A figure in the unit of numbers, five digits of it; ``+``: with its sign.

    >>> digits(12.3456789), digits(0.0000123456, "+")
    ('12.346', '+1.2346e-05')
    """
    return f"{value:{sign}.5g}"


def probability(p: float) -> str:
    """``0.012``, ``< 0.001``.

    >>> probability(0.0119), probability(0.0002)
    ('0.012', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
