"""SpecAugment: bands of time and frequency are masked while training.

Park et al. (2019), "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition"; the number of time
masks grows with the utterance as in Park et al. (2020). No time warping. The masks are planned in NumPy from the
generator of (seed, epoch, utterance), so neither batch nor device nor worker changes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from speechrnn.errors import UsageError


@dataclass(frozen=True)
class SpecAugmentOptions:
    """Masks per utterance."""

    frequency_masks: int = 2
    """Bands of frequency masked."""
    frequency_width: int = 20
    """Widest band, in features."""
    frequency_share: float = 0.25
    """No band is wider than this share of the features: of 13 cepstra 3, of 80 mel bands 20."""
    time_masks: int = 2
    """Stretches of time masked in an utterance of up to 3 s; longer ones get proportionally more, at most 10."""
    time_width: int = 25
    """Longest stretch, in frames."""
    time_share: float = 0.2
    """No stretch is longer than this share of the utterance."""

    def __post_init__(self) -> None:
        if min(self.frequency_masks, self.frequency_width, self.time_masks, self.time_width) < 0:
            raise UsageError("features.specaugment holds a negative number", "use 0 to switch a mask off")
        for name in ("frequency_share", "time_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"features.specaugment.{name} is {getattr(self, name)}", "a share lies in [0, 1]")


def plan_masks(
    options: SpecAugmentOptions, n_frames: int, n_features: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Half-open intervals [start, end) of one utterance: time (m, 2) in frames, frequency (n, 2) in features; int64."""
    count = min(10, round(options.time_masks * max(1.0, n_frames / 300))) if options.time_masks else 0
    longest = min(options.time_width, int(options.time_share * n_frames))
    widest = min(options.frequency_width, int(options.frequency_share * n_features))
    return (
        _intervals(count, longest, n_frames, generator),
        _intervals(options.frequency_masks, widest, n_features, generator),
    )


def _intervals(count: int, longest: int, extent: int, generator: np.random.Generator) -> np.ndarray:
    width = generator.integers(0, longest + 1, count)
    start = (generator.random(count) * (extent - width + 1)).astype(np.int64)
    return np.stack([start, start + width], -1)


def apply_masks(frames: Tensor, time: Tensor, frequency: Tensor) -> Tensor:
    """Set masked cells to 0, the mean of normalized frames.

    Args:
        frames: (B, T, F).
        time: (B, m, 2) and
        frequency: (B, n, 2) half-open intervals, int64; an empty interval masks nothing.
    """
    t = torch.arange(frames.shape[1], device=frames.device)
    f = torch.arange(frames.shape[2], device=frames.device)
    time_hit = ((t >= time[..., :1]) & (t < time[..., 1:])).any(1)
    frequency_hit = ((f >= frequency[..., :1]) & (f < frequency[..., 1:])).any(1)
    return frames.masked_fill(time_hit[:, :, None] | frequency_hit[:, None, :], 0.0)
