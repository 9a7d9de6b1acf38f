"""What a run is told about its data, kept with the run and the model: licence, checksums, how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from speechrnn.checksum import sha256
from speechrnn.data.prepared import read_corpus
from speechrnn.errors import DataError


def data_facts(data_dir: Path) -> dict[str, Any]:
    """Name, licence and split rule from ``corpus.json`` where there is one; the manifests' checksums in any case."""
    facts: dict[str, Any] = {"sha256": {file.name: sha256(file) for file in sorted(data_dir.glob("cuts_*.jsonl*"))}}
    corpus = read_corpus(data_dir)
    return {**{key: corpus[key] for key in ("name", "title", "licence") if isinstance(corpus.get(key), str)}, **facts}


def check_same_data(before: dict[str, Any], now: dict[str, Any], run: Path) -> None:
    """Refuse to go on with a run on other data than it began with.

    Raises:
        DataError: names the manifests that changed.
    """
    old, new = before.get("sha256", {}), now["sha256"]
    changed = [
        name
        for name in ("cuts_train.jsonl.gz", "cuts_train.jsonl", "cuts_dev.jsonl.gz", "cuts_dev.jsonl")
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise DataError(
            f"{run}: {', '.join(changed)} changed since this run began",
            f"restore the data, or start a new run from its weights with init={run}",
        )
