"""``scores.json``: the figures of an evaluation and all that makes them checkable.

    {"version": 1, "manifest": {"path", "sha256"},
     "systems": [{"name", "model", "wer"|"cer"|"per"|"error": {"percent", "errors", "tokens", "insertions", "deletions",
                  "substitutions", "low", "high"}, "seconds", "real_time_factor", "unit", "utterances_right", "failed": [ids],
                  "facts": {…},
                  "confidence": {"words"|"tokens": {"number", "wrong", "calibration_error", "area_under_roc", "brier": {"value",
                  "low", "high"}, "brier_of_a_constant"}}, "articulatory": {"percent", "errors", "tokens"},
                  "accuracy"|"macro_f1": {"percent", "low", "high"},
                  "translation": {"chrF"|"BLEU": {"score", "low", "high", "signature"}},
                  "frames": {"percent", "low", "high", "frames"},
                  "segments": {"precision", "recall", "f1", "low", "high", "segments"},
                  "numbers": {"of", "utterances", "rmse"|"mae"|"r"|"r2": {"value", "low", "high"}, "rmse_of_the_mean"},
                  "labels": {label: {"total", "precision", "recall", "f1", "low", "high"}},
                  "classes": {"consonants"|"vowels"|"tone": {"percent", "errors", "tokens", "insertions", "deletions",
                  "substitutions"}}}],
     "pairs": [{"a", "b", "metric", "difference", "low", "high", "p", "matched_pairs": {"segments", "mean", "z", "p"}}],
     "utterances", "resampled": "utterances"|"speakers", "normalization": {…}, "data": {"name", "title", "licence"},
     "made": {"date", "speechrnn", "commit", "machine", "device", "threads"}}

Rates, bounds and differences are in percent, times in seconds; ``seconds`` and ``real_time_factor`` are null where not measured;
``p`` is of the paired bootstrap; ``mean`` is errors a segment, ``z`` null where it is infinite. chrF and BLEU are from 0 to 100,
of texts normalized as for the rates. ``numbers`` and differences of ``rmse`` are in the unit of the field of
the manifest that ``of`` names, over utterances that did not fail; r and r2 are null where they are not defined. Systems that give
numbers have no rates, no ``utterances_right`` and no ``matched_pairs``.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from speechrnn.reports.analysis import Analysis, analyse
from speechrnn.reports.provenance import Provenance
from speechrnn.scoring.bootstrap import Interval
from speechrnn.scoring.calibration import Reliability
from speechrnn.scoring.matched_pairs import MatchedPairs
from speechrnn.scoring.results import Comparison, Evaluation, Measure, System
from speechrnn.scoring.values import ValueScores

VERSION = 1


def scores_record(evaluation: Evaluation, provenance: Provenance, analysis: Analysis | None = None) -> dict[str, Any]:
    """The content of ``scores.json``; ``analysis`` is of this evaluation, where it was made already."""
    analysis = analysis or analyse(evaluation)
    return {
        "version": VERSION,
        "manifest": {"path": provenance.references, "sha256": provenance.sha256},
        "systems": [_system(system, evaluation, analysis) for system in evaluation.systems],
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "metric": pair.metric,
                **_difference(pair),
            }
            for pair in evaluation.pairs
        ],
        "utterances": len(evaluation.systems[0].items),
        "resampled": evaluation.drawn,
        "normalization": dict(provenance.normalization),
        "data": {key: provenance.corpus[key] for key in ("name", "title", "licence") if key in provenance.corpus},
        "made": dict(provenance.made),
    }


def _system(system: System, evaluation: Evaluation, analysis: Analysis) -> dict[str, Any]:
    return {
        "name": system.name,
        "model": system.model,
        **{metric: _measure(measure) for metric, measure in evaluation.measures[system.name].items()},
        "seconds": None if system.seconds is None else round(system.seconds, 3),
        "real_time_factor": None if system.real_time_factor is None else round(system.real_time_factor, 5),
        "unit": system.unit,
        **({"utterances_right": evaluation.right(system)} if system.metrics else {}),
        "failed": [item.id for item in system.failed],
        "facts": dict(system.facts),
        "confidence": {what: _reliability(found) for what, found in system.reliability.items()},
        **_sounds(system, analysis),
        **({"numbers": _numbers(system, evaluation.values[system.name])} if evaluation.values else {}),
    }


def _numbers(system: System, scores: ValueScores) -> dict[str, Any]:
    figures = {
        name.lower(): None if figure is None else {key: _digits(value) for key, value in asdict(figure).items()}
        for name, figure in scores.figures.items()
    }
    return {"of": system.source, "utterances": scores.number, **figures, "rmse_of_the_mean": _digits(scores.constant)}


def _difference(pair: Comparison) -> dict[str, Any]:
    d = pair.difference
    found: dict[str, Any] = {"difference": _digits(d.difference), "low": _digits(d.low), "high": _digits(d.high), "p": _digits(d.p)}
    return found | {"matched_pairs": _matched(pair.matched)} if pair.matched else found


def _sounds(system: System, analysis: Analysis) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if system.name in analysis.articulatory:
        near = analysis.articulatory[system.name]
        found["articulatory"] = {"percent": _digits(near.percent), "errors": _digits(near.errors), "tokens": near.tokens}
    if system.name in analysis.classes:
        rates = analysis.classes[system.name]
        found["classes"] = {rate.name: {"percent": _digits(rate.counts.percent), **asdict(rate.counts)} for rate in rates}
    if system.name in analysis.scores:
        scores = analysis.scores[system.name]
        pairs = (("accuracy", scores.accuracy, scores.accuracy_interval), ("macro_f1", scores.macro_f1, scores.macro_f1_interval))
        for name, percent, bounds in pairs:
            found[name] = {"percent": _digits(percent), **_bounds(bounds)}
        found["labels"] = {
            one.label: {
                "total": one.total,
                **{name: _digits(getattr(one, name)) for name in ("precision", "recall", "f1", "low", "high")},
            }
            for one in scores.classes
        }
    if system.name in analysis.translations:
        found["translation"] = {
            one.name: {
                "score": _digits(one.score),
                "low": _digits(one.low),
                "high": _digits(one.high),
                "signature": one.signature,
            }
            for one in analysis.translations[system.name]
        }
    if system.name in analysis.frames:
        timed = analysis.frames[system.name]
        found["frames"] = {"percent": _digits(timed.error), **_bounds(timed.error_interval), "frames": timed.frames}
        found["segments"] = {name: _digits(getattr(timed, name)) for name in ("precision", "recall", "f1")}
        found["segments"] |= {**_bounds(timed.f1_interval), "segments": timed.segments}
    return found


def _bounds(interval: Interval) -> dict[str, float]:
    return {"low": _digits(interval.low), "high": _digits(interval.high)}


def _matched(found: MatchedPairs) -> dict[str, Any]:
    z = _digits(found.z) if math.isfinite(found.z) else None
    return {"segments": found.segments, "mean": _digits(found.mean), "z": z, "p": _digits(found.p)}


def _reliability(found: Reliability) -> dict[str, Any]:
    figures = {"calibration_error": found.ece, "area_under_roc": found.auc, "brier": found.brier}
    return {
        "number": found.number,
        "wrong": found.wrong,
        **{name: None if f is None else {key: _digits(value) for key, value in asdict(f).items()} for name, f in figures.items()},
        "brier_of_a_constant": _digits(found.constant),
    }


def _measure(measure: Measure) -> dict[str, Any]:
    counts = measure.counts
    return {
        "percent": _digits(counts.percent),
        "errors": counts.errors,
        "tokens": counts.tokens,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "substitutions": counts.substitutions,
        "low": _digits(measure.low),
        "high": _digits(measure.high),
    }


def _digits(value: float) -> float:
    """Ten digits, more than any table shows: what is rounded twice may be rounded wrongly."""
    return float(f"{value:.10g}")
