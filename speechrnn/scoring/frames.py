"""Labels in time: frames that are wrong, segments that are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speechrnn.scoring.bootstrap import RESAMPLES, Bootstrap, Interval, interval
from speechrnn.scoring.results import Item
from speechrnn.text.labels import SILENCE

if TYPE_CHECKING:
    import numpy as np

STEP_S = 0.01
"""Frames that are compared are 10 ms apart, whatever a model's own are."""
NEAR_S = 0.02
"""A segment is found where label and both boundaries agree, these within 20 ms."""


@dataclass(frozen=True, slots=True)
class FrameScores:
    """A system over all utterances, in percent, with 95 % intervals.

    Attributes:
        frames: compared, 10 ms each.
        error: of them whose labels differ; what no segment covers is silence.
        segments: of the references.
        precision: of the system's segments those that are right; recall: of the references' those that are found.
        f1: harmonic mean of both.
    """

    frames: int
    error: float
    error_interval: Interval
    segments: int
    precision: float
    recall: float
    f1: float
    f1_interval: Interval


def frame_scores(items: Sequence[Item], resamples: int = RESAMPLES) -> FrameScores | None:
    """Score utterances whose references have times; ``None`` where there are none. One without hypothesis is all silence."""
    import numpy as np

    timed = [item for item in items if item.reference_times]
    if not timed:
        return None
    # Frames, wrong ones, segments of the reference, of the system, right ones.
    counts = np.array([_counts(item) for item in timed], np.int64)
    drawn = Bootstrap([item.speaker for item in timed], resamples).sums(counts)
    frames, wrong, wanted, said, right = counts.sum(0).tolist()
    return FrameScores(
        frames,
        100 * wrong / max(frames, 1),
        interval(100 * drawn[:, 1] / np.maximum(drawn[:, 0], 1)),
        wanted,
        100 * right / max(said, 1),
        100 * right / max(wanted, 1),
        200 * right / max(wanted + said, 1),
        interval(200 * drawn[:, 4] / np.maximum(drawn[:, 2] + drawn[:, 3], 1)),
    )


def _counts(item: Item) -> tuple[int, int, int, int, int]:
    import numpy as np

    end = item.duration or max(time for span in (*item.reference_times, *item.times) for time in span)
    at = STEP_S * (np.arange(int(end / STEP_S)) + 0.5)
    wanted, found = _labels(item.reference_tokens, item.reference_times, at), _labels(item.tokens, item.times, at)
    wrong = sum(a != b for a, b in zip(wanted, found, strict=True))
    return len(at), wrong, len(item.reference_tokens), len(item.tokens), _matches(item)


def _labels(tokens: Sequence[str], times: Sequence[tuple[float, float]], at: np.ndarray) -> list[str]:
    """The label at each time."""
    import numpy as np

    if not times:
        return [SILENCE] * len(at)
    starts, ends = np.transpose(times)
    place = np.searchsorted(starts, at, "right") - 1
    inside = (place >= 0) & (at < ends[np.maximum(place, 0)])
    return [tokens[i] if there else SILENCE for i, there in zip(place.tolist(), inside.tolist(), strict=True)]


def _matches(item: Item) -> int:
    """Segments of the reference that the system has, each of its segments used once."""
    left = list(zip(item.tokens, item.times, strict=False))
    right = 0
    for token, (start, end) in zip(item.reference_tokens, item.reference_times, strict=True):
        for place, (other, (begins, ends)) in enumerate(left):
            if other == token and abs(begins - start) <= NEAR_S + 1e-9 and abs(ends - end) <= NEAR_S + 1e-9:
                del left[place]
                right += 1
                break
    return right
