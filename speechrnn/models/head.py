"""What sits on the encoder: the ``Head`` protocol, what heads put out, and the heads by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from torch import Tensor


@dataclass(frozen=True, slots=True)
class FramePosteriors:
    """Log posteriors (B, T, K) float32 per encoder frame, blank first; lengths (B,)."""

    log_probs: Tensor
    lengths: Tensor


@dataclass(frozen=True, slots=True)
class ClassPosteriors:
    """Log posteriors (B, K) float32 per utterance."""

    log_probs: Tensor


HeadOutput: TypeAlias = FramePosteriors | ClassPosteriors


class Head(Protocol):
    """A module over the encoder's output; decoding is chosen by the type of ``outputs``."""

    vocabulary: tuple[str, ...]

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Loss of each utterance, (B,) float32: encoded (B, T, D), lengths (B,), targets (B, L) 0 beyond, their lengths (B,)."""

    def normalizer(self, lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """What the summed losses are divided by, each utterance's share: (B,) float32."""

    def outputs(self, encoded: Tensor, lengths: Tensor) -> HeadOutput:
        """What decoding needs."""
