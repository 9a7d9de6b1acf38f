"""Fewer, wider frames: CTC wants about 30 to 50 a second, the front-end makes 100."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from speechrnn.features.framing import mask_frames
from speechrnn.models.init import init_linear

KINDS = ("stack", "conv")


class Subsampling(nn.Module):
    """Frames (B, T, F) -> (B, ceil(T / factor), size), by stacking neighbours or by a strided causal convolution.

    The last, incomplete group is filled with zeros, so no frame is lost. The convolution (two groups wide) looks back
    only, so a stream gives what the whole gives. What lies beyond an utterance's length is zero before and after.
    """

    def __init__(self, kind: str, factor: int, input_size: int, size: int) -> None:
        super().__init__()
        self.kind, self.factor = kind, factor
        self.context = 0
        if kind == "stack":
            self.size = input_size * factor
        else:
            self.size = size
            self.context = factor
            self.conv = nn.Conv1d(input_size, size, 2 * factor, stride=factor)
            self.norm = nn.LayerNorm(size)
            init_linear(self.conv)

    def lengths(self, lengths: Tensor) -> Tensor:
        """Output lengths for input lengths (int64, any shape)."""
        return torch.div(lengths + self.factor - 1, self.factor, rounding_mode="floor")

    def forward(self, frames: Tensor, lengths: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Frames zero beyond ``lengths``; ``before`` (B, context, F) are the frames before this chunk (zeros at a start)."""
        B, T, F = frames.shape
        short = -T % self.factor
        if short:
            frames = nn.functional.pad(frames, (0, 0, 0, short))
        lengths = self.lengths(lengths)
        if self.kind == "stack":
            return frames.reshape(B, -1, F * self.factor), lengths
        if before is None:
            before = frames.new_zeros(B, self.context, F)
        y = self.conv(torch.cat([before, frames], 1).transpose(1, 2)).transpose(1, 2)
        return mask_frames(torch.relu(self.norm(y)), lengths), lengths
