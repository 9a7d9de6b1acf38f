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
    cache_mb: int = 2000
    """Memory for front-end frames; what does not fit is computed anew each epoch."""
    workers: int = 1
    """Threads that prepare batches ahead; more pay off where frames do not fit into the cache, or on a GPU."""

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.batch_s <= 0 or self.max_duration_s <= 0:
            raise UsageError("data.batch_size, data.batch_s and data.max_duration_s must be positive", "16, 240 and 30 are usual")
        check_speeds(self.speeds)
        if self.workers < 0 or self.cache_mb < 0:
            raise UsageError("data.workers and data.cache_mb may not be negative", "0 switches them off")


def check_speeds(speeds: Sequence[float]) -> None:
    """Refuse speeds at which nobody speaks, and none at all.

    Raises:
        UsageError: with what is possible.
    """
    if not speeds or not all(0.5 <= speed <= 2 for speed in speeds):
        raise UsageError(f"data.speeds is {list(speeds)}", "factors between 0.5 and 2, for example [0.9, 1.0, 1.1]")
