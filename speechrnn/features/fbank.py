"""Kaldi-compatible log-mel filter banks, batched and on any device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.features._torchaudio import kaldi
from speechrnn.features.framing import FrameGrid, mask_frames, power_spectrum, to_samples
from speechrnn.features.loudness import Loudness, mean_of

PCM_SCALE = 32768.0
"""Kaldi reads 16-bit integers; samples in [-1, 1) are scaled to that range so the log floor lies under real silence."""
LOG_FLOOR = torch.finfo(torch.float32).eps
SILENT = -4.0
"""Mean log energy of digital silence at most: the floor is -15.9, and a single last bit of 16 in a frame makes 0."""


@dataclass(frozen=True)
class FbankOptions:
    """``kind: fbank``."""

    kind: str = "fbank"
    mel_bins: int = 80
    """Mel bands."""
    window_ms: float = 25.0
    """Window length in ms."""
    hop_ms: float = 10.0
    """Shift between frames in ms."""
    low_hz: float = 20.0
    """Lower edge of the lowest band."""
    high_hz: float = 0.0
    """Upper edge of the highest band; 0 or less counts from half the sampling rate down."""
    preemphasis: float = 0.97
    """Coefficient of the first-order high-pass, applied within each frame."""

    def __post_init__(self) -> None:
        check_common(self.mel_bins, self.window_ms, self.hop_ms)


def check_common(mel_bins: int, window_ms: float, hop_ms: float) -> None:
    """Range checks shared by the front-ends."""
    if not 1 <= mel_bins <= 1024:
        raise UsageError(f"features.frontend.mel_bins is {mel_bins}", "1 to 1024; 80 is usual")
    if not 0 < hop_ms <= window_ms <= 1000:
        raise UsageError(f"features.frontend has hop_ms {hop_ms} and window_ms {window_ms}", "0 < hop_ms <= window_ms <= 1000")


class KaldiSpectrum(nn.Module):
    """Samples to Kaldi's log-mel energies: DC removal, pre-emphasis and Povey window per frame, power spectrum, mel bands.

    Source: the ``feature-window`` and ``mel-computations`` of Kaldi, through torchaudio's filter shapes.
    """

    window: Tensor
    banks: Tensor

    def __init__(
        self, mel_bins: int, window_ms: float, hop_ms: float, low_hz: float, high_hz: float, preemphasis: float, sampling_rate: int
    ) -> None:
        super().__init__()
        self.grid = FrameGrid(to_samples(window_ms, sampling_rate, "window_ms"), to_samples(hop_ms, sampling_rate, "hop_ms"))
        self.preemphasis = preemphasis
        self.fft_size = 1 << (self.grid.size - 1).bit_length()
        nyquist = sampling_rate / 2
        top = high_hz if high_hz > 0 else nyquist + high_hz
        if not 0 <= low_hz < top <= nyquist:
            raise UsageError(
                f"features.frontend spans {low_hz} to {top} Hz at {sampling_rate} Hz",
                "keep 0 <= low_hz < high_hz <= half the sampling rate",
            )
        banks, _ = kaldi.get_mel_banks(mel_bins, self.fft_size, sampling_rate, low_hz, high_hz, 100.0, -500.0, 1.0)
        if (banks.sum(1) == 0).any():
            raise UsageError(
                f"features.frontend.mel_bins = {mel_bins} leaves bands without any FFT bin at {sampling_rate} Hz", "use fewer"
            )
        window = torch.hann_window(self.grid.size, periodic=False).pow(0.85)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("banks", nn.functional.pad(banks, (0, 1)).T.contiguous(), persistent=False)

    def forward(self, samples: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """(B, S) in [-1, 1) to (B, T, mel_bins) of ``dtype``."""
        frames = self.grid.frames(samples * PCM_SCALE)
        frames = frames - frames.mean(-1, keepdim=True)
        frames = frames - self.preemphasis * torch.cat([frames[..., :1], frames[..., :-1]], -1)
        power = power_spectrum(frames * self.window, self.fft_size)
        return (power.to(dtype) @ self.banks.to(dtype)).clamp_min(LOG_FLOOR).log()


class Fbank(nn.Module):
    """Equals ``torchaudio.compliance.kaldi.fbank(samples * 32768, dither=0)`` of each utterance to 1e-4.

    Args:
        options: see :class:`FbankOptions`.
        sampling_rate: Hz.
    """

    def __init__(self, options: FbankOptions, sampling_rate: int) -> None:
        super().__init__()
        o = options
        self.size = o.mel_bins
        self.spectrum = KaldiSpectrum(self.size, o.window_ms, o.hop_ms, o.low_hz, o.high_hz, o.preemphasis, sampling_rate)
        self.grid = self.spectrum.grid
        self.loudness = Loudness(mean_of(self.size), SILENT)

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (B, S), lengths (B,) in samples -> frames (B, T, F) float32, zero beyond each length; lengths (B,) int64."""
        counts = self.grid.count(lengths)
        return mask_frames(self.spectrum(samples), counts), counts
