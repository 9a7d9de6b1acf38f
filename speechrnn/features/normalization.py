"""Mean and variance normalization: global (fitted on train), by speaker, or by utterance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.errors import DataError, UsageError
from speechrnn.features.framing import mask_frames
from speechrnn.features.loudness import Loudness

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

    @property
    def begun(self) -> bool:
        """Whether frames, or none of some recording, were counted in."""
        return np.ndim(self.total) > 0

    def add(self, frames: np.ndarray) -> None:
        """Count in frames (T, F); T may be 0."""
        wide = frames.astype(np.float64)
        self.count += len(frames)
        self.total = self.total + wide.sum(0)
        self.squares = self.squares + np.square(wide).sum(0)

    def moments(self) -> np.ndarray:
        """Mean and standard deviation, float32 of shape (2, F); 0 and 1 where all was digital silence, which is replaced anyway.

        Raises:
            DataError: nothing was counted in.
        """
        if not self.begun:
            raise DataError("no frames to take statistics of", "every recording is shorter than one analysis window")
        if not self.count:
            return np.stack([np.zeros_like(self.total), np.ones_like(self.total)]).astype(np.float32)
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
    """Applies the normalization; its buffer ``moments`` (2, F) travels with the weights.

    Digital silence has no part in the moments of an utterance; where there are moments, it becomes as quiet as a recording's
    faintest frames are.

    Args:
        options: how.
        loudness: of F features.
    """

    moments: Tensor

    def __init__(self, options: NormalizationOptions, loudness: Loudness) -> None:
        super().__init__()
        self.options, self.loudness = options, loudness
        size = len(loudness.weights)
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
        silent = self.loudness.silent(frames)[..., None]
        if mode == "global":
            mean, deviation = self.moments[0], self.moments[1]
        elif known is not None:
            mean, deviation = known[:, :1], known[:, 1:]
        else:
            mean, deviation = utterance_moments(frames, lengths, silent)
        quiet = self.loudness.quiet
        if self.options.variance:
            normalized = torch.where(silent, quiet, (frames - mean) / deviation)
        else:
            normalized = torch.where(silent, quiet * deviation, frames - mean)
        return mask_frames(normalized, lengths)


def utterance_moments(frames: Tensor, lengths: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (B, 1, F) of each utterance's own frames; padding, and what is silent (B, T, 1), have no part."""
    left_out = silent.expand_as(frames)
    wide = mask_frames(frames.masked_fill(left_out, 0.0), lengths).double()
    count = (lengths[:, None, None] - mask_frames(silent, lengths).sum(1, keepdim=True)).clamp_min(1)
    mean = wide.sum(1, keepdim=True) / count
    spread = mask_frames((wide - mean).masked_fill(left_out, 0.0), lengths).square().sum(1, keepdim=True) / count
    return mean.to(frames.dtype), spread.sqrt().clamp_min(FLOOR).to(frames.dtype)
