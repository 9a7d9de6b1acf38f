"""Writes an evaluation for sclite."""

from __future__ import annotations

from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.jobs.naming import file_name
from speechrnn.reports.trn import trn
from speechrnn.scoring.results import Evaluation


def write_trn(directory: Path, evaluation: Evaluation) -> list[Path]:
    """``NAME.ref.trn`` and ``NAME.hyp.trn`` of each system; returns their paths."""
    written = []
    for system in evaluation.systems:
        for side, content in zip(("ref", "hyp"), trn(system), strict=True):
            path = directory / f"{file_name(system.name)}.{side}.trn"
            write_text(path, content)
            written.append(path)
    return written
