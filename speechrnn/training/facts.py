"""What a run is told about its data, kept with the run and the model: licence, checksums, how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from speechrnn.modeldir import sha256


def data_facts(data_dir: Path) -> dict[str, Any]:
    """Name, licence and split rule from ``corpus.json`` where there is one; the manifests' checksums in any case."""
    facts: dict[str, Any] = {"sha256": {file.name: sha256(file) for file in sorted(data_dir.glob("cuts_*.jsonl*"))}}
    corpus = data_dir / "corpus.json"
    if corpus.is_file():
        content = json.loads(corpus.read_text(encoding="utf-8"))
        facts = {**{key: content[key] for key in ("name", "title", "licence") if key in content}, **facts}
    return facts
