"""Log-mel spectrogram in librosa's convention, batched and on any device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.features._torchaudio import functional
from speechrnn.features.fbank import check_common
from speechrnn.features.framing import FrameGrid, mask_frames, power_spectrum, to_samples
from speechrnn.features.loudness import Loudness, mean_of

FLOOR = 1e-10
ABOVE_FLOOR = 0.1
"""Nats above the floor, on which noise of the last bit of 16 lies, up to which a frame is digital silence."""


@dataclass(frozen=True)
class LogmelOptions:
    """``kind: logmel``."""

    kind: str = "logmel"
    mel_bins: int = 80
    """Mel bands (Slaney scale, area-normalized)."""
    window_ms: float = 25.0
    """Hann window length in ms, centered in the FFT."""
    hop_ms: float = 10.0
    """Shift between frames in ms."""
    low_hz: float = 0.0
    """Lower edge of the lowest band."""
    high_hz: float = 0.0
    """Upper edge of the highest band; 0: half the sampling rate."""

    def __post_init__(self) -> None:
        check_common(self.mel_bins, self.window_ms, self.hop_ms)


class Logmel(nn.Module):
    """Equals ``log(max(librosa.feature.melspectrogram(…, center=False), 1e-10))`` of each utterance."""

    window: Tensor
    banks: Tensor

    def __init__(self, options: LogmelOptions, sampling_rate: int) -> None:
        super().__init__()
        o = options
        self.size = o.mel_bins
        window_size = to_samples(o.window_ms, sampling_rate, "window_ms")
        self.fft_size = 1 << (window_size - 1).bit_length()
        self.grid = FrameGrid(self.fft_size, to_samples(o.hop_ms, sampling_rate, "hop_ms"))
        top = o.high_hz or sampling_rate / 2
        if not 0 <= o.low_hz < top <= sampling_rate / 2:
            raise UsageError(
                f"features.frontend spans {o.low_hz} to {top} Hz at {sampling_rate} Hz",
                "keep 0 <= low_hz < high_hz <= half the sampling rate",
            )
        left = (self.fft_size - window_size) // 2
        window = nn.functional.pad(torch.hann_window(window_size), (left, self.fft_size - window_size - left))
        banks = functional.melscale_fbanks(
            self.fft_size // 2 + 1, o.low_hz, top, self.size, sampling_rate, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("banks", banks, persistent=False)
        self.loudness = Loudness(mean_of(self.size), math.log(FLOOR) + ABOVE_FLOOR)

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (B, S), lengths (B,) in samples -> frames (B, T, F) float32, zero beyond each length; lengths (B,) int64."""
        counts = self.grid.count(lengths)
        power = power_spectrum(self.grid.frames(samples) * self.window, self.fft_size)
        return mask_frames((power @ self.banks).clamp_min(FLOOR).log(), counts), counts
