"""How sure a word or token is: from a raw score to a probability of being right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from speechrnn.errors import UsageError


@dataclass(frozen=True)
class Calibration:
    """A monotone map from raw scores to probabilities: 1 / (1 + exp(-(slope * raw + offset))). Platt (1999)."""

    slope: float
    """0 or more: a higher raw score never means less."""
    offset: float
    """In nats."""

    def __post_init__(self) -> None:
        if not 0 <= self.slope < math.inf or not math.isfinite(self.offset):
            raise UsageError(f"a calibration with slope {self.slope} and offset {self.offset}", "a slope of 0 or more")
