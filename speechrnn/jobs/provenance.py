"""Finds out what stands beside figures made here and now: data, program, machine, date."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speechrnn import __version__, rundir
from speechrnn.checksum import sha256
from speechrnn.reports.provenance import Provenance


def collect(references: Path, *, corpus: Mapping[str, Any], normalization: Mapping[str, Any], **made: Any) -> Provenance:
    """Provenance of figures made here and now from a file of references; ``made`` adds entries, such as the number of threads."""
    now = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "speechrnn": __version__,
        "commit": commit(),
        "machine": machine(),
        **made,
    }
    return Provenance(str(references), sha256(references), dict(corpus), dict(normalization), now)


def commit() -> str:
    """Short commit of the checkout this package runs from, ``+`` behind it where files differ; empty for an installed package."""
    here = Path(__file__)

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here.parent), *words], check=True, capture_output=True, text=True, timeout=10
        ).stdout.strip()

    try:
        # An installed package may lie inside another project's repository (its .venv): there this file is not tracked.
        git("ls-files", "--error-unmatch", here.name)
        changed = git("status", "--porcelain", "--untracked-files=no", ":/")
        return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def machine() -> str:
    """Processor and cores, without the computer's name: ``AMD EPYC 7B13, 2 cores``."""
    facts = rundir.machine()
    return f"{facts['processor']}, {facts['cores']} cores"
