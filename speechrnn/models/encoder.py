"""The recurrent encoder: subsampling, recurrent layers with layer norm and dropout between them, then dense layers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import Unsupported, UsageError
from speechrnn.features.framing import mask_frames
from speechrnn.models.cells.layer import State
from speechrnn.models.dropout import Dropout, VariationalDropout
from speechrnn.models.init import init_linear
from speechrnn.models.recurrent import Bidirectional, LayerOptions, Unidirectional, check_layer, reverse_within
from speechrnn.models.subsampling import CHANNELS, Subsampling


@dataclass(frozen=True)
class EncoderOptions:
    """``model:``."""

    cell: str = "lstm"
    """lstm, gru, or another of the cells in docs/cells.md."""
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
    variational: bool = False
    """Drop the same values in all frames of an utterance (Gal and Ghahramani 2016): for small data, with less dropout than else."""
    layer_norm: bool = False
    """Normalize each layer's output over its features."""
    residual: bool = False
    """Add a layer's input to its output where sizes agree: for five layers and more, whose gradients fade."""
    reverse: bool = False
    """Read utterances from their end: for one class an utterance whose beginning tells the most (not with both directions)."""
    dense: int = 0
    """Dense layers of `hidden` units behind the recurrent ones; with conv2d before them a CRDNN."""
    projection: int = 0
    """lstm_projection: units that each layer's output and state are projected to; 0: half of `hidden`."""
    recurrent_init: str = "auto"
    """Recurrent matrices begin orthogonal, or as the identity: for rnn_relu over long lags; auto: the identity for irnn,
    orthogonal for others."""
    forget_bias: float = 1.0
    """The forget gate's bias at the start; larger ones remember longer from the first step on."""

    def __post_init__(self) -> None:
        check_layer(self.recurrent)
        if self.reverse and self.bidirectional:
            raise UsageError("model.reverse and model.bidirectional", "a bidirectional encoder reads both ways: leave one out")
        if self.cell == "feedforward" and self.bidirectional:
            raise UsageError("model.cell feedforward and model.bidirectional", "it reads each frame by itself: bidirectional=false")
        if self.subsampling not in CHANNELS:
            raise UsageError(f"model.subsampling is {self.subsampling!r}", f"choose one of {', '.join(CHANNELS)}")
        for name, least in (("layers", 1), ("hidden", 1), ("factor", 0), ("conv_size", 0), ("dense", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"model.{name} is {getattr(self, name)}", f"at least {least}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout is {self.dropout}", "a share in [0, 1)")

    @property
    def recurrent(self) -> LayerOptions:
        """What each layer is made of."""
        return LayerOptions(self.cell, self.hidden, self.projection, self.recurrent_init, self.forget_bias)


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
        sizes = [self.subsampling.size] + [(1 + o.bidirectional) * o.recurrent.size] * o.layers
        self.layers = nn.ModuleList(kind(o.recurrent, size) for size in sizes[:-1])
        self.norms = nn.ModuleList(nn.LayerNorm(size) if o.layer_norm else nn.Identity() for size in sizes[1:])
        self.dropout = (VariationalDropout if o.variational else Dropout)(o.dropout)
        self.size = o.hidden if o.dense else sizes[-1]
        widths = [sizes[-1]] + [o.hidden] * o.dense
        self.dense = nn.Sequential(*(_dense(*pair, o.dropout) for pair in itertools.pairwise(widths)))

    def lengths(self, lengths: Tensor) -> Tensor:
        """Encoded lengths (int64) for frame lengths."""
        return self.subsampling.lengths(lengths)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (B, T, F) zero beyond ``lengths`` (B,) -> encoded (B, T', size) zero beyond lengths (B,)."""
        x, lengths = self.subsampling(frames, lengths)
        if self.options.reverse:
            x = reverse_within(x, lengths)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.behind(layer(x, lengths)[0], norm, x)
        if self.options.reverse:
            x = reverse_within(x, lengths)
        return mask_frames(self.dense(x), lengths), lengths

    def behind(self, y: Tensor, norm: nn.Module, x: Tensor) -> Tensor:
        """What goes on from a layer that made ``y`` of ``x``."""
        y = self.dropout(norm(y))
        return y + x if self.options.residual and y.shape == x.shape else y

    def stream(self, frames: Tensor, state: EncoderState | None = None, *, last: bool = False) -> tuple[Tensor, EncoderState]:
        """The encoded frames a chunk (B, T, F) completes; ``last`` also fills up the incomplete one.

        Raises:
            Unsupported: the encoder is bidirectional, or reads from the end.
        """
        if self.options.bidirectional:
            raise Unsupported("a bidirectional encoder needs the whole utterance", "train with model.bidirectional=false to stream")
        if self.options.reverse:
            raise Unsupported(
                "an encoder that reads from the end needs the whole utterance", "train with model.reverse=false to stream"
            )
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
            y, layer_state = layer(x, lengths, layer_state)
            carried.append(layer_state)
            x = self.behind(y, norm, x)
        return self.dense(x), EncoderState(pending, torch.cat([state.before, now], 1)[:, whole:], tuple(carried))


def _dense(input_size: int, size: int, dropout: float) -> nn.Module:
    """A dense layer, frame by frame."""
    linear = nn.Linear(input_size, size)
    init_linear(linear)
    return nn.Sequential(linear, nn.LayerNorm(size), nn.ReLU(), Dropout(dropout))
