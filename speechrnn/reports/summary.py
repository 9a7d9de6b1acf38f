"""The figures in plain lines, for a terminal."""

from __future__ import annotations

import contextlib
from typing import Any

from speechrnn.errors import MissingExtra
from speechrnn.scoring.classification import class_scores
from speechrnn.scoring.frames import frame_scores
from speechrnn.scoring.rates import kaldi_line
from speechrnn.scoring.results import Evaluation
from speechrnn.scoring.translation import TranslationScore, translation_scores

HEADER = ["system", "rate", "%", "95 % interval", "failed", "x real time"]


def rows(evaluation: Evaluation) -> list[list[Any]]:
    """A row for each system and rate, under :data:`HEADER`."""
    return [
        [
            system.name,
            metric.upper(),
            f"{measure.counts.percent:.2f}",
            f"{measure.low:.2f} - {measure.high:.2f}",
            len(system.failed),
            "-" if system.real_time_factor is None else f"{system.real_time_factor:.3f}",
        ]
        for system in evaluation.systems
        for metric, measure in evaluation.measures[system.name].items()
    ]


def lines(evaluation: Evaluation) -> list[str]:
    """Kaldi's line for each system and rate, with interval and name behind it; what its confidences are worth; then a line for
    each two systems.

    ``%WER 7.28 [ 411 / 5643, 58 ins, 38 del, 315 sub ]  95 % 6.51 - 8.10  hyp.txt``
    """
    found = []
    for system in evaluation.systems:
        for metric, measure in evaluation.measures[system.name].items():
            line = kaldi_line(measure.counts, metric.upper())
            found.append(f"{line}  95 % {measure.low:.2f} - {measure.high:.2f}  {system.name}")
    for name, scores in ((s.name, class_scores(s.items)) for s in evaluation.systems if s.unit == "classes"):
        bounds = (scores.accuracy_interval, scores.macro_f1_interval)
        said = [
            f"{what} {percent:.2f} %, 95 % {b.low:.2f} - {b.high:.2f}"
            for what, percent, b in zip(("accuracy", "macro F1"), (scores.accuracy, scores.macro_f1), bounds, strict=True)
        ]
        found.append(f"{name}: {'; '.join(said)}")
    for name, timed in ((s.name, frame_scores(s.items)) for s in evaluation.systems):
        if timed:
            frames, segments = timed.error_interval, timed.f1_interval
            found.append(
                f"{name}: {timed.error:.2f} % of {timed.frames} frames wrong, 95 % {frames.low:.2f} - {frames.high:.2f}; segments "
                f"within 20 ms: F1 {timed.f1:.2f} %, 95 % {segments.low:.2f} - {segments.high:.2f}"
            )
    for system in evaluation.systems:
        if system.source != "text":
            with contextlib.suppress(MissingExtra):
                found.append(f"{system.name}: {'; '.join(_translated(one) for one in translation_scores(system.items))}")
    for system in evaluation.systems:
        found += [f"{system.name}: {worth.line(what)}" for what, worth in system.reliability.items()]
    for pair in evaluation.pairs:
        d = pair.difference
        points = f"{d.difference:+.2f} {pair.metric.upper()}, 95 % {d.low:+.2f} to {d.high:+.2f}, p {probability(d.p)}"
        found.append(
            f"{pair.a} minus {pair.b}: {points} (paired bootstrap over {evaluation.drawn}); "
            f"matched pairs p {probability(pair.matched.p)} ({pair.matched.segments} segments)"
        )
    return found


def _translated(one: TranslationScore) -> str:
    return f"{one.name} {one.score:.2f}, 95 % {one.mean - one.spread:.2f} - {one.mean + one.spread:.2f}"


def probability(p: float) -> str:
    """``0.012``, ``< 0.001``.

    >>> probability(0.0119), probability(0.0002)
    ('0.012', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
