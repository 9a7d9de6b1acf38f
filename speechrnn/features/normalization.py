"""Mean and variance normalization: global (fitted on train), by speaker, or by utterance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.errors import DataError, UsageError
from speechrnn.features.framing import mask_frames

MODES = ("global", "speaker", "utterance", "none")
FLOOR = 1e-3
"""Smallest standard deviation (log energy) divided by: a constant band must not be blown up."""


@dataclass(frozen=True)
class NormalizationOptions:
    """How frames are brought to zero mean and unit variance."""

    mode: str = "global"
    """global: statistics of the training data; speaker: of a speaker's recordings (a file without a label is one);
    utterance; none."""
    variance: bool = True
    """Divide by the standard deviation too."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"features.normalization.mode is {self.mode!r}", f"choose one of {', '.join(MODES)}")


@dataclass
class Statistics:
    """Running sums in float64 over frames of F features."""

    count: int = 0
    total: np.ndarray | float = 0.0
    squares: np.ndarray | float = 0.0

    def add(self, frames: np.ndarray) -> None:
        """Count in frames (T, F)."""
        wide = frames.astype(np.float64)
        self.count += len(frames)
        self.total = self.total + wide.sum(0)
        self.squares = self.squares + np.square(wide).sum(0)

    def moments(self) -> np.ndarray:
        """Mean and standard deviation, float32 of shape (2, F)."""
        if not self.count:
            raise DataError("no frames to take statistics of", "every recording is shorter than one analysis window")
        mean = self.total / self.count
        # Cancellation can leave a tiny negative variance for a constant feature.
        deviation = np.sqrt(np.maximum(self.squares / self.count - np.square(mean), 0.0))
        return np.stack([mean, np.maximum(deviation, FLOOR)]).astype(np.float32)


def moments(all_frames: Iterable[np.ndarray]) -> np.ndarray:
    """Mean and standard deviation (2, F) over many utterances' frames (T, F)."""
    statistics = Statistics()
    for frames in all_frames:
        statistics.add(frames)
    return statistics.moments()


class Normalizer(nn.Module):
    """Applies the normalization; its buffer ``moments`` (2, F) travels with the weights."""

    moments: Tensor

    def __init__(self, options: NormalizationOptions, size: int) -> None:
        super().__init__()
        self.options = options
        moments = torch.zeros(2, size)
        moments[1].fill_(1.0)
        self.register_buffer("moments", moments)

    def forward(self, frames: Tensor, lengths: Tensor, known: Tensor | None = None) -> Tensor:
        """Frames (B, T, F), lengths (B,) -> normalized (B, T, F), zero beyond lengths.

        ``known`` holds moments (B, 2, F) for modes speaker and utterance: of each utterance's speaker, or of the whole
        recording where the utterance is a window of it; without them an utterance's own serve.
        """
        mode = self.options.mode
        if mode == "none":
            return mask_frames(frames, lengths)
        if mode == "global":
            mean, deviation = self.moments[0], self.moments[1]
        elif known is not None:
            mean, deviation = known[:, :1], known[:, 1:]
        else:
            mean, deviation = utterance_moments(frames, lengths)
        normalized = (frames - mean) / deviation if self.options.variance else frames - mean
        return mask_frames(normalized, lengths)


def utterance_moments(frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (B, 1, F) of each utterance's own frames; padding has no part in them."""
    wide = mask_frames(frames, lengths).double()
    count = lengths.clamp_min(1)[:, None, None]
    mean = wide.sum(1, keepdim=True) / count
    spread = mask_frames(wide - mean, lengths).square().sum(1, keepdim=True) / count
    return mean.to(frames.dtype), spread.sqrt().clamp_min(FLOOR).to(frames.dtype)
