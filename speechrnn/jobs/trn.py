"""Writes an evaluation for sclite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from speechrnn.atomic import write_text
from speechrnn.errors import Unsupported
from speechrnn.jobs.naming import file_name
from speechrnn.jobs.references import number_source
from speechrnn.reports.trn import trn
from speechrnn.scoring.results import Evaluation

if TYPE_CHECKING:
    from speechrnn.jobs.evaluate import Loaded


def check_trn(loaded: Sequence[Loaded]) -> None:
    """Refuse recognizers whose outputs sclite cannot count.

    Raises:
        Unsupported: one gives numbers.
    """
    for system in loaded:
        if number_source(system):
            raise Unsupported(f"--trn is for texts, and {system.name} gives numbers", "leave --trn out")


def write_trn(directory: Path, evaluation: Evaluation) -> list[Path]:
    """``NAME.ref.trn`` and ``NAME.hyp.trn`` of each system; returns their paths."""
    written = []
    for system in evaluation.systems:
        for side, content in zip(("ref", "hyp"), trn(system), strict=True):
            path = directory / f"{file_name(system.name)}.{side}.trn"
            write_text(path, content)
            written.append(path)
    return written
