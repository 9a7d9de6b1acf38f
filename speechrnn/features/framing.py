"""Overlapping frames of a padded batch, and the streaming state every front-end shares.

Only whole frames are made (Kaldi's ``snip_edges``): frame t covers samples [t*hop, t*hop + size), so a frame depends on
nothing after it and a stream gives the same frames as the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from speechrnn.errors import UsageError

MAX_WINDOW = 65536
"""Samples; longer windows would need filter banks of hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Frame ``size`` and ``hop`` in samples."""

    size: int
    hop: int

    def count(self, lengths: Tensor) -> Tensor:
        """Number of frames (int64, any shape) of recordings of ``lengths`` samples."""
        return torch.where(lengths < self.size, 0, 1 + torch.div(lengths - self.size, self.hop, rounding_mode="floor")).to(
            torch.int64
        )

    def frames(self, samples: Tensor) -> Tensor:
        """Samples (B, S) to overlapping frames (B, T, size), a view."""
        if samples.shape[-1] < self.size:
            return samples.new_zeros(*samples.shape[:-1], 0, self.size)
        return samples.unfold(-1, self.size, self.hop)


def power_spectrum(frames: Tensor, fft_size: int) -> Tensor:
    """Windowed frames (B, T, size) to (B, T, fft_size // 2 + 1)."""
    if not frames.shape[1]:
        # MKL refuses an empty transform.
        return frames.new_zeros(*frames.shape[:2], fft_size // 2 + 1)
    # Not abs().square(): its root, guarded against overflow, costs as much as the transform.
    squares = torch.view_as_real(torch.fft.rfft(frames, n=fft_size)).square_()
    return squares[..., 0] + squares[..., 1]


def to_samples(milliseconds: float, sampling_rate: int, what: str) -> int:
    """Milliseconds as whole samples, 1 to ``MAX_WINDOW``."""
    samples = int(sampling_rate * milliseconds / 1000)
    if samples > MAX_WINDOW:
        raise UsageError(f"features.frontend.{what} asks for a window of {samples} samples", f"at most {MAX_WINDOW}: a shorter one")
    if samples < 1:
        raise UsageError(
            f"features.frontend.{what} = {milliseconds} ms is shorter than one sample at {sampling_rate} Hz", "use a longer one"
        )
    return samples


def mask_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Zero what lies beyond each utterance: frames (B, T, F), lengths (B,) in frames."""
    keep = torch.arange(frames.shape[1], device=frames.device)[None, :] < lengths[:, None]
    # where, not a product: 0 * inf would be nan.
    return torch.where(keep[..., None], frames, frames.new_zeros(()))
