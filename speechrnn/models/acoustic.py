"""The whole network: front-end, normalization, encoder, head; and its one configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.features.frontend import FeatureOptions, build_frontend
from speechrnn.features.normalization import Normalizer
from speechrnn.models.classification import ClassOptions
from speechrnn.models.ctc import CtcOptions
from speechrnn.models.encoder import Encoder, EncoderOptions
from speechrnn.models.head import Head, HeadOutput, TokenOptions
from speechrnn.models.heads import HeadOptions, make_head
from speechrnn.text.normalize import TextOptions


@dataclass(frozen=True)
class ModelOptions:
    """What a model directory's ``config.yaml`` holds: all that shapes the network."""

    sampling_rate: int = 16000
    """Hz; other recordings are resampled on the way in."""
    features: FeatureOptions = field(default_factory=FeatureOptions)
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: HeadOptions = field(default_factory=CtcOptions)
    text: TextOptions = field(default_factory=TextOptions)

    def __post_init__(self) -> None:
        if not 1000 <= self.sampling_rate <= 384000:
            raise UsageError(f"sampling_rate is {self.sampling_rate} Hz", "1000 to 384000")
        open_unit = self.head.unit == "auto" if isinstance(self.head, TokenOptions) else False
        open_label = self.head.label == "auto" if isinstance(self.head, ClassOptions) else False
        if open_unit or open_label or not self.model.factor:
            raise UsageError(
                "head.unit auto, head.label auto and model.factor 0 are settled by training", "name a unit or label, and a factor"
            )


class AcousticModel(nn.Module):
    """Samples or frames to a head's outputs.

    Args:
        options: the configuration.
        vocabulary: K tokens, for CTC the blank first; or classes.
    """

    def __init__(self, options: ModelOptions, vocabulary: tuple[str, ...]) -> None:
        super().__init__()
        self.options = options
        # Computed, not loaded: real even where the layers are made without memory, on torch's meta device.
        with torch.device("cpu"):
            self.frontend = build_frontend(options.features.frontend, options.sampling_rate)
        self.normalizer = Normalizer(options.features.normalization, self.frontend.loudness)
        self.encoder = Encoder(options.model, self.frontend.size)
        self.head: Head = make_head(options.head, vocabulary, self.encoder.size, bidirectional=options.model.bidirectional)

    @property
    def frame_shift(self) -> float:
        """Seconds between two encoder frames."""
        return float(self.frontend.grid.hop * self.options.model.factor / self.options.sampling_rate)

    def encoded_lengths(self, n_samples: Tensor) -> Tensor:
        """Encoder frames (int64) of recordings of ``n_samples`` samples at the model's rate."""
        return self.encoder.lengths(self.frontend.grid.count(n_samples))

    def encode(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Normalized frames (B, T, F), zero beyond lengths -> encoded (B, T', D), lengths."""
        encoded, lengths = self.encoder(frames, lengths)
        return encoded, lengths

    @torch.inference_mode()
    def forward(self, samples: Tensor, lengths: Tensor, moments: Tensor | None = None) -> HeadOutput:
        """Samples (B, S) in [-1, 1), lengths (B,) -> what the head puts out; in float32, gradient-free.

        ``moments`` (B, 2, F): see :class:`~speechrnn.features.normalization.Normalizer`.
        """
        frames, counts = self.frontend(samples, lengths)
        return self.head.outputs(*self.encode(self.normalizer(frames, counts, moments), counts))
