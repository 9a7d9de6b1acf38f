"""One self-contained HTML page of an evaluation: no network, no remote script, and what others wrote stays text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechrnn.reports import charts, view
from speechrnn.reports.analysis import Analysis, analyse
from speechrnn.reports.details import Detail
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.reports.summary import digits
from speechrnn.reports.training import Training
from speechrnn.reports.utterances import blocks, lightened
from speechrnn.scoring.bootstrap import RESAMPLES, SEED
from speechrnn.scoring.results import Evaluation, System
from speechrnn.scoring.values import ValueScores

_TEMPLATES = Path(__file__).parent / "templates"
BYTES = 15_000_000
"""Of a page with posteriors: those chosen last go without where it would be larger."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a page shows beside an evaluation.

    Attributes:
        details: sound, spectrogram and posteriors of some utterances, by id.
        trainings: by system name.
    """

    details: Mapping[str, Detail] = field(default_factory=dict)
    trainings: Mapping[str, Training] = field(default_factory=dict)


def render(evaluation: Evaluation, provenance: Provenance, extras: Extras = Extras(), analysis: Analysis | None = None) -> str:
    """The page as text.

    Everything inserted is escaped (Jinja's autoescape), embedded JSON cannot end its element, and a Content-Security-Policy lets
    only the page's own style and script run, by their checksums.

    Args:
        evaluation: what is shown.
        provenance: where it comes from.
        extras: what else is known; posteriors are shown as far as the page stays below ``BYTES``.
        analysis: of this evaluation, where it was made already.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    analysis = analysis or analyse(evaluation)
    template = environment.get_template("page.html")
    fixed = dict(
        policy=content_security_policy(style, script),
        style=_raw(style),
        script=_raw(script),
        scores=_raw(embedded_json(scores_record(evaluation, provenance, analysis))),
        evaluation=evaluation,
        provenance=provenance,
        analysis=analysis,
        resamples=RESAMPLES,
        seed=SEED,
        **_figures(evaluation, analysis),
        **_training(evaluation, extras.trainings),
    )

    def page(utterances: dict[str, Any]) -> bytes:
        # A file name that is no UTF-8 arrives as lone surrogates, which no encoding can hold.
        return template.render(**fixed, **utterances).encode("utf-8", "backslashreplace")

    shown = _utterances(evaluation, extras.details)
    html = page(shown)
    if len(html) > BYTES:
        html = page(_utterances(evaluation, lightened(evaluation, extras.details, shown["blocks"], len(html) - BYTES)))
    return html.decode("utf-8")


def _figures(evaluation: Evaluation, analysis: Analysis) -> dict[str, Any]:
    systems = evaluation.systems
    worth = [(system.name, what, found) for system in systems for what, found in system.reliability.items()]
    widest = {
        one.by: max([counts.percent for group in one.groups for counts in group.counts.values()] + [1e-9])
        for one in analysis.breakdowns
    }
    return {
        "rates": view.rate_rows(evaluation),
        "values": view.value_rows(evaluation),
        "scatters": [_scatter(system, evaluation.values[system.name]) for system in systems if evaluation.values],
        "heading": f"Estimates of {systems[0].source}" if evaluation.values else "Error rates",
        "digits": digits,
        "pairs": view.pair_rows(evaluation),
        "kaldi": view.kaldi_lines(evaluation),
        "widest": widest,
        "frequent": view.frequent(evaluation),
        "limit": view.FREQUENT,
        "worth": worth,
        "calibration": [charts.calibration(f"{name}: {what}", found) for name, what, found in worth if found.bins],
        "failed": [(system.name, item) for system in systems for item in system.failed],
    }


def _scatter(system: System, scores: ValueScores) -> charts.Chart:
    found = [(item.id, float(item.reference), float(item.hypothesis)) for item in system.items if not item.failure]
    return charts.scatter(f"{system.name}: {system.source}", found, f"{scores.number} utterances, RMSE {digits(scores.rmse.value)}")


def _utterances(evaluation: Evaluation, details: Mapping[str, Detail]) -> dict[str, Any]:
    first = evaluation.systems[0]
    recorded = [detail for detail in details.values() if detail.audio]
    return {
        "n_utterances": len(first.items),
        "n_speakers": len({item.speaker for item in first.items} - {""}),
        "minutes": first.audio_seconds / 60,
        "blocks": blocks(evaluation, details),
        "places": {item.id: index for index, item in enumerate(first.items)},
        "n_detailed": len(details),
        "n_curves": sum(bool(detail.curves) for detail in details.values()),
        "recordings": len(recorded),
        "recorded_minutes": sum(detail.duration for detail in recorded) / 60,
    }


def _training(evaluation: Evaluation, trainings: Mapping[str, Training]) -> dict[str, Any]:
    units = {system.name: system.unit for system in evaluation.systems}
    trained = any(training.config or training.facts for training in trainings.values())
    return {
        "models_known": trained or any(system.facts or system.seconds is not None for system in evaluation.systems),
        "trainings": trainings,
        "curves": [chart for name, training in trainings.items() for chart in charts.training(name, training, units.get(name, ""))],
        "duration": view.duration,
    }


def content_security_policy(style: str, script: str) -> str:
    """A policy that allows this style and this script and nothing else; images and sound only from inside the page."""
    return (
        f"default-src 'none'; style-src '{_checksum(style)}'; script-src '{_checksum(script)}'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def embedded_json(value: Any) -> str:
    """JSON for a ``<script type="application/json">``: it holds no ``<``, so nothing in it can end the element.

    >>> embedded_json({"id": "</script>"})
    '{"id": "\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _checksum(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _raw(content: str) -> Any:
    """Marked as ours: not escaped."""
    from markupsafe import Markup

    return Markup(content)
