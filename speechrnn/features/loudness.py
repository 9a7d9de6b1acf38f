"""How loud frames are: digital silence is told from sound, and sound is made louder or quieter.

Digital silence stands where nothing was recorded, not even noise: padding, muted stretches, cuts. Its logarithms lie twenty nats
below any room's. Averaged in, half a second of it moves a recording's mean so far that what is said sounds like nothing a model
has learned.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

QUIET = -1.3
"""What stands for digital silence, in deviations from the mean: measured, the faintest tenth of frames of AN4, Mboshi and FSDD."""


class Loudness(nn.Module):
    """The mean log energy of a frame's bands, by its features.

    Args:
        weights: shape (F,): by which a frame's features add up to it.
        silent_below: a frame below this (nats) is digital silence.
    """

    weights: Tensor
    quiet: Tensor
    nat: Tensor

    def __init__(self, weights: Tensor, silent_below: float) -> None:
        super().__init__()
        self.silent_below = silent_below
        which = weights != 0
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("quiet", QUIET * which, persistent=False)
        # What a nat more in every band adds to each feature.
        self.register_buffer("nat", torch.where(which, 1 / (weights * which.sum()), 0.0), persistent=False)

    def silent(self, frames: Tensor) -> Tensor:
        """Which of the frames (..., T, F) are digital silence, bool (..., T)."""
        # Not a product of matrices: those lose digits under mixed precision.
        return (frames * self.weights).sum(-1) < self.silent_below

    def audible(self, frames: Tensor) -> Tensor:
        """The frames (T, F) that are not digital silence."""
        return frames[~self.silent(frames)]

    def louder(self, frames: Tensor, db: float) -> Tensor:
        """Frames (..., F) as if samples had been multiplied by 10 ** (db / 20)."""
        return frames + db * math.log(10) / 10 * self.nat if db else frames


def mean_of(size: int) -> Tensor:
    """Weights (F,) where features are log energies."""
    return torch.full((size,), 1.0 / size)
