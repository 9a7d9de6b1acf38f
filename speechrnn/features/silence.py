"""Digital silence: frames in which nothing was recorded, not even noise, as where a recording was padded, muted or cut.

Its logarithms lie twenty nats below any room's. Averaged in, half a second of it moves a recording's mean so far that what is said
sounds like nothing a model has learned.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

QUIET = -1.3
"""What stands for digital silence, in deviations from the mean: measured, the faintest tenth of frames of AN4, Mboshi and FSDD."""


class Silence(nn.Module):
    """Tells digital silence by the mean log energy of a frame's bands.

    Args:
        weights: shape (F,): by which a frame's features add up to that.
        below: it is silent whose mean lies below this (nats).
    """

    weights: Tensor
    quiet: Tensor

    def __init__(self, weights: Tensor, below: float) -> None:
        super().__init__()
        self.below = below
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("quiet", QUIET * (weights != 0), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Which of the frames (..., T, F) are silent, bool (..., T)."""
        # Not a product of matrices: those lose digits under mixed precision.
        return (frames * self.weights).sum(-1) < self.below

    def audible(self, frames: Tensor) -> Tensor:
        """The frames (T, F) that are not silent."""
        return frames[~self(frames)]


def mean_of(size: int) -> Tensor:
    """Weights (F,) where features are log energies."""
    return torch.full((size,), 1.0 / size)
