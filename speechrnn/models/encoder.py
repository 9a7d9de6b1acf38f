"""The recurrent encoder: subsampling, then recurrent layers with layer norm and dropout between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import Unsupported, UsageError
from speechrnn.features.framing import mask_frames
from speechrnn.models.recurrent import Bidirectional, State, Unidirectional, check_cell
from speechrnn.models.subsampling import CHANNELS, Subsampling


@dataclass(frozen=True)
class EncoderOptions:
    """``model:``."""

    cell: str = "lstm"
    """lstm or gru."""
    layers: int = 3
    """Recurrent layers."""
    hidden: int = 256
    """Units per layer and direction."""
    bidirectional: bool = True
    """Read both ways (best, needs the whole utterance) or forwards only (streams)."""
    subsampling: str = "stack"
    """stack: neighbours side by side; conv: a strided convolution over time; conv2d: two over time and frequency."""
    factor: int = 2
    """Front-end frames per encoder frame; with a hop of 10 ms, 2 gives 50 a second and 3 gives 33; 0: as the data need."""
    conv_size: int = 0
    """Channels of the convolutions; 0: 256 for conv, 32 for conv2d."""
    dropout: float = 0.3
    """Share of values dropped between layers while training."""
    layer_norm: bool = False
    """Normalize each layer's output over its features."""

    def __post_init__(self) -> None:
        check_cell(self.cell)
        if self.subsampling not in CHANNELS:
            raise UsageError(f"model.subsampling is {self.subsampling!r}", f"choose one of {', '.join(CHANNELS)}")
        for name, least in (("layers", 1), ("hidden", 1), ("factor", 0), ("conv_size", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"model.{name} is {getattr(self, name)}", f"at least {least}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout is {self.dropout}", "a share in [0, 1)")


@dataclass(frozen=True, slots=True)
class EncoderState:
    """What a stream of frames carries from chunk to chunk."""

    pending: Tensor
    """Frames (B, < factor, F) that do not fill an encoder frame yet."""
    before: Tensor
    """Frames (B, context, F) that convolutions look back to."""
    layers: tuple[State | None, ...]


class Encoder(nn.Module):
    """Normalized frames (B, T, F) to encoded frames (B, T', size)."""

    def __init__(self, options: EncoderOptions, input_size: int) -> None:
        super().__init__()
        o = options
        self.options = o
        self.subsampling = Subsampling(o.subsampling, o.factor, input_size, o.conv_size or CHANNELS[o.subsampling])
        kind = Bidirectional if o.bidirectional else Unidirectional
        sizes = [self.subsampling.size] + [(1 + o.bidirectional) * o.hidden] * o.layers
        self.layers = nn.ModuleList(kind(o.cell, size, o.hidden) for size in sizes[:-1])
        self.norms = nn.ModuleList(nn.LayerNorm(size) if o.layer_norm else nn.Identity() for size in sizes[1:])
        self.dropout = nn.Dropout(o.dropout)
        self.size = sizes[-1]

    def lengths(self, lengths: Tensor) -> Tensor:
        """Encoded lengths (int64) for frame lengths."""
        return self.subsampling.lengths(lengths)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (B, T, F) zero beyond ``lengths`` (B,) -> encoded (B, T', size) zero beyond lengths (B,)."""
        x, lengths = self.subsampling(frames, lengths)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(norm(layer(x, lengths)[0]))
        return mask_frames(x, lengths), lengths

    def stream(self, frames: Tensor, state: EncoderState | None = None, *, last: bool = False) -> tuple[Tensor, EncoderState]:
        """The encoded frames a chunk (B, T, F) completes; ``last`` also fills up the incomplete one.

        Raises:
            Unsupported: the encoder is bidirectional.
        """
        if self.options.bidirectional:
            raise Unsupported("a bidirectional encoder needs the whole utterance", "train with model.bidirectional=false to stream")
        if state is None:
            state = EncoderState(frames[:, :0], self.subsampling.start(frames), (None,) * len(self.layers))
        frames = torch.cat([state.pending, frames], 1)
        whole = frames.shape[1] if last else frames.shape[1] - frames.shape[1] % self.options.factor
        now, pending = frames[:, :whole], frames[:, whole:]
        if not whole:
            return frames.new_zeros(frames.shape[0], 0, self.size), EncoderState(pending, state.before, state.layers)
        x, lengths = self.subsampling(now, torch.full((len(now),), whole, device=now.device), state.before)
        carried = []
        for layer, norm, layer_state in zip(self.layers, self.norms, state.layers, strict=True):
            x, layer_state = layer(x, lengths, layer_state)
            carried.append(layer_state)
            x = self.dropout(norm(x))
        return x, EncoderState(pending, torch.cat([state.before, now], 1)[:, whole:], tuple(carried))
