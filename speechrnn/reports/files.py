"""The files of an evaluation directory: ``scores.json``, ``hypotheses.jsonl``, ``report.html``."""

from __future__ import annotations

from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.reports.analysis import Analysis, analyse
from speechrnn.reports.hypotheses import hypothesis_records
from speechrnn.reports.page import Extras, render
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.scoring.results import Evaluation
from speechrnn.transcripts.json_record import dumps

SCORES, HYPOTHESES, REPORT = "scores.json", "hypotheses.jsonl", "report.html"


def write_evaluation(
    directory: Path,
    evaluation: Evaluation,
    provenance: Provenance,
    extras: Extras = Extras(),
    analysis: Analysis | None = None,
) -> list[Path]:
    """Write all three files, each whole or not at all; returns their paths. ``analysis``: as :func:`scores_record` takes it."""
    analysis = analysis or analyse(evaluation)
    contents = {
        SCORES: dumps(scores_record(evaluation, provenance, analysis), indent=2) + "\n",
        HYPOTHESES: "".join(dumps(record) + "\n" for record in hypothesis_records(evaluation)),
        REPORT: render(evaluation, provenance, extras, analysis),
    }
    for name, content in contents.items():
        write_text(directory / name, content)
    return [directory / name for name in contents]
