"""Which data is trained on, and how it is cut into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speechrnn.errors import UsageError


@dataclass(frozen=True)
class DataOptions:
    """``data:``."""

    dir: Path | None = None
    """Data directory with cuts_train, cuts_dev and perhaps cuts_test .jsonl.gz."""
    batch_size: int = 16
    """Most utterances in a batch (over all devices)."""
    batch_s: float = 240.0
    """Most seconds in a batch, padding counted in."""
    max_duration_s: float = 30.0
    """Longer training utterances are left out, counted and named."""
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    """Speed perturbation: each epoch draws one for every training utterance; [1.0] for none."""
    gain_db: tuple[float, float] = (0.0, 0.0)
    """Each epoch makes every training utterance louder by so many dB, drawn from between these, so that nothing relies on how loud
    a recording is; [0, 0]: as recorded. Normalization by utterance or speaker takes that away by itself, and nothing is drawn."""
    cache_mb: int = 2000
    """Memory for front-end frames; what does not fit is computed anew each epoch."""
    workers: int = 1
    """Threads that prepare batches ahead; more pay off where frames do not fit into the cache, or on a GPU."""

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.batch_s <= 0 or self.max_duration_s <= 0:
            raise UsageError("data.batch_size, data.batch_s and data.max_duration_s must be positive", "16, 240 and 30 are usual")
        check_speeds(self.speeds)
        if len(self.gain_db) != 2 or not -60 <= self.gain_db[0] <= self.gain_db[1] <= 60:
            raise UsageError(f"data.gain_db is {list(self.gain_db)}", "the least and the most, -60 to 60 dB, for example [-20, 10]")
        if self.workers < 0 or self.cache_mb < 0:
            raise UsageError("data.workers and data.cache_mb may not be negative", "0 switches them off")


def check_speeds(speeds: Sequence[float]) -> None:
    """Refuse speeds at which nobody speaks, and none at all.

    Raises:
        UsageError: with what is possible.
    """
    if not speeds or not all(0.5 <= speed <= 2 for speed in speeds):
        raise UsageError(f"data.speeds is {list(speeds)}", "factors between 0.5 and 2, for example [0.9, 1.0, 1.1]")
