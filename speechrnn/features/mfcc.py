"""Kaldi-compatible mel cepstra, batched and on any device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.features._torchaudio import functional
from speechrnn.features.fbank import SILENT, KaldiSpectrum, check_common
from speechrnn.features.framing import mask_frames
from speechrnn.features.loudness import Loudness


@dataclass(frozen=True)
class MfccOptions:
    """``kind: mfcc``."""

    kind: str = "mfcc"
    cepstra: int = 13
    """Coefficients kept, the zeroth included."""
    mel_bins: int = 23
    """Mel bands under the cosine transform."""
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
    lifter: float = 22.0
    """Cepstral liftering; 0 for none."""

    def __post_init__(self) -> None:
        check_common(self.mel_bins, self.window_ms, self.hop_ms)
        if not 1 <= self.cepstra <= self.mel_bins:
            raise UsageError(f"features.frontend.cepstra is {self.cepstra}", f"1 to the number of mel bands, {self.mel_bins}")


class Mfcc(nn.Module):
    """Equals ``torchaudio.compliance.kaldi.mfcc(samples * 32768, dither=0)`` of each utterance.

    The orthonormal cosine transform of Davis and Mermelstein (1980) over Kaldi's log-mel energies, liftered.
    """

    cosine: Tensor

    def __init__(self, options: MfccOptions, sampling_rate: int) -> None:
        super().__init__()
        o = options
        bins = o.mel_bins
        self.size = o.cepstra
        self.spectrum = KaldiSpectrum(bins, o.window_ms, o.hop_ms, o.low_hz, o.high_hz, o.preemphasis, sampling_rate)
        self.grid = self.spectrum.grid
        cosine = functional.create_dct(o.cepstra, bins, "ortho")
        if o.lifter:
            cosine = cosine * (1 + o.lifter / 2 * torch.sin(math.pi * torch.arange(o.cepstra) / o.lifter))
        self.register_buffer("cosine", cosine, persistent=False)
        # The zeroth coefficient is the sum of the log energies over the root of their number.
        weights = torch.zeros(o.cepstra)
        weights[0] = bins**-0.5
        self.loudness = Loudness(weights, SILENT)

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (B, S), lengths (B,) in samples -> cepstra (B, T, F) float32, zero beyond each length; lengths (B,) int64."""
        counts = self.grid.count(lengths)
        # Liftering multiplies rounding by up to 12: in float64 a stream's cepstra stay within 1e-5 of the whole's.
        dtype = torch.float32 if samples.device.type == "mps" else torch.float64
        cepstra = self.spectrum(samples, dtype) @ self.cosine.to(dtype)
        return mask_frames(cepstra.float(), counts), counts
