"""The front-ends by name, and their streaming form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor

from speechrnn.features.fbank import Fbank, FbankOptions
from speechrnn.features.logmel import Logmel, LogmelOptions
from speechrnn.features.mfcc import Mfcc, MfccOptions
from speechrnn.features.normalization import NormalizationOptions
from speechrnn.features.specaugment import SpecAugmentOptions


@dataclass(frozen=True)
class FeatureOptions:
    """Waveform to the frames a model reads."""

    frontend: FbankOptions | LogmelOptions | MfccOptions = field(default_factory=FbankOptions)
    """fbank, logmel or mfcc, by ``kind``."""
    normalization: NormalizationOptions = field(default_factory=NormalizationOptions)
    """Mean and variance normalization."""
    specaugment: SpecAugmentOptions = field(default_factory=SpecAugmentOptions)
    """Masking while training."""


FrontEnd: TypeAlias = Fbank | Logmel | Mfcc
"""A module over (samples (B, S), lengths (B,)) with ``size``, its number of features, ``grid``, its frames, and ``loudness``."""


def build_frontend(options: FbankOptions | LogmelOptions | MfccOptions, sampling_rate: int) -> FrontEnd:
    """The front-end an options object describes."""
    if isinstance(options, FbankOptions):
        return Fbank(options, sampling_rate)
    if isinstance(options, LogmelOptions):
        return Logmel(options, sampling_rate)
    return Mfcc(options, sampling_rate)


@dataclass(frozen=True, slots=True)
class FrontEndState:
    """The samples of a stream that later frames still need: (B, fewer than one frame + hop)."""

    samples: Tensor


def stream_frames(frontend: FrontEnd, chunk: Tensor, state: FrontEndState | None = None) -> tuple[Tensor, FrontEndState]:
    """The frames a chunk (B, S) completes, (B, T, F) with T >= 0, and the state for the next chunk."""
    samples = chunk if state is None else torch.cat([state.samples, chunk], -1)
    lengths = torch.full((samples.shape[0],), samples.shape[-1], dtype=torch.int64, device=samples.device)
    count = int(frontend.grid.count(lengths[0]))
    frames, _ = frontend(samples, lengths)
    return frames[:, :count], FrontEndState(samples[:, count * frontend.grid.hop :])
