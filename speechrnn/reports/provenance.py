"""Where a figure comes from: data, program, machine, date. A figure without them is not a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Provenance:
    """What stands beside the figures of an evaluation.

    Attributes:
        references: path of the manifest or reference file, as given.
        sha256: checksum of that file.
        corpus: ``corpus.json`` of the data directory (name, title, licence, …), or nothing.
        normalization: rule applied to references and hypotheses.
        made: date (UTC), commit, machine, versions.
    """

    references: str
    sha256: str
    corpus: Mapping[str, Any] = field(default_factory=dict)
    normalization: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
