"""How a system was trained, as far as its run directory tells."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over the epochs: (epoch, value)."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Training:
    """One system's training.

    Attributes:
        series: what was logged, by name: ``loss`` (mean of an epoch), ``dev_loss``, ``dev_error``, ``dev_wer`` (percent); of a
            hidden Markov model by rung what a frame's log likelihood has gained since the rung's first iteration (nats).
        config: complete configuration as YAML; empty where unknown.
        facts: plain values: seconds, seed, epochs, versions, checksums of the data.
    """

    series: tuple[Series, ...] = ()
    config: str = field(default="", repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)


GAINED = "gained: "
"""What the names of series begin with that belong to rungs."""
_SERIES = ("loss", "dev_loss", "dev_error", "dev_wer")


def series_of(rows: Sequence[Mapping[str, str]]) -> tuple[Series, ...]:
    """Curves from the rows of ``metrics.csv``; cells that hold no number are passed over."""
    found = _rungs(rows)
    for name in _SERIES:
        values: dict[float, list[float]] = {}
        for row in rows:
            try:
                epoch, value = float(row.get("epoch") or "x"), float(row.get(name) or "x")
            except ValueError:
                continue
            values.setdefault(epoch, []).append(value)
        points = tuple((epoch, sum(each) / len(each)) for epoch, each in sorted(values.items()))
        if len(points) > 1:
            found.append(Series(name, points))
    return tuple(found)


def _rungs(rows: Sequence[Mapping[str, str]]) -> list[Series]:
    """Gains of the rungs of a hidden Markov model."""
    likelihoods: dict[str, list[float]] = {}
    for row in rows:
        with contextlib.suppress(ValueError):
            likelihoods.setdefault(row.get("rung") or "", []).append(float(row.get("log_likelihood") or "x"))
    return [
        Series(GAINED + rung, tuple((float(i), value - values[0]) for i, value in enumerate(values)))
        for rung, values in likelihoods.items()
        if len(values) > 1
    ]
