"""Recurrent layers over padded batches without packing.

``pack_padded_sequence`` costs the fast paths of oneDNN and cuDNN. Here a bidirectional layer is two unidirectional ones:
the backward one reads each utterance reversed within its own length, and its output is turned back. Padding then only
ever trails, so it reaches no real frame. The state returned by a layer over a padded batch is that of the padded end:
whoever wants an utterance's last state gathers the output at length - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.layer import CellLayer, State
from speechrnn.models.cells.registry import CELLS, DIAGONAL, FORGETTING, IDENTITY, check_cell
from speechrnn.models.init import RECURRENT, init_recurrent


@dataclass(frozen=True)
class LayerOptions:
    """One unidirectional layer, whatever its inputs; the fields are those of ``model:``."""

    cell: str = "lstm"
    hidden: int = 256
    projection: int = 0
    recurrent_init: str = "auto"
    forget_bias: float = 1.0

    @property
    def size(self) -> int:
        """Features of its output."""
        return (self.projection or (self.hidden + 1) // 2) if self.cell == "lstm_projection" else self.hidden


def check_layer(options: LayerOptions) -> None:
    """Refuse combinations that make no sense, with what is possible.

    Raises:
        UsageError: an unknown cell; a projection, an initialization or a bias that the cell has no use for.
    """
    o = options
    check_cell(o.cell)
    if o.projection and o.cell != "lstm_projection":
        raise UsageError(f"model.projection is {o.projection} and model.cell {o.cell}", "only lstm_projection has a projection")
    if o.cell == "lstm_projection" and not 0 <= o.projection < o.hidden:
        raise UsageError(f"model.projection is {o.projection} and model.hidden {o.hidden}", "project to fewer units than hidden")
    if o.recurrent_init not in ("auto", *RECURRENT):
        raise UsageError(f"model.recurrent_init is {o.recurrent_init!r}", f"choose one of auto, {', '.join(RECURRENT)}")
    if o.recurrent_init != "auto" and o.cell in (*DIAGONAL, "feedforward"):
        raise UsageError(
            f"model.recurrent_init is {o.recurrent_init} and model.cell {o.cell}",
            f"{o.cell} has no recurrent matrix: one of {', '.join(c for c in CELLS if c not in (*DIAGONAL, 'feedforward'))} has",
        )
    if o.forget_bias != 1 and o.cell not in FORGETTING:
        raise UsageError(
            f"model.forget_bias is {o.forget_bias:g} and model.cell {o.cell}",
            f"a forget gate have {', '.join(FORGETTING)}",
        )


def make_cell(options: LayerOptions, input_size: int) -> nn.Module:
    """One unidirectional layer: (B, T, input_size) -> (B, T, options.size), state."""
    o = options
    layer = CELLS[o.cell](input_size, o.hidden, *((o.size,) if o.cell == "lstm_projection" else ()))
    if isinstance(layer, nn.RNNBase | CellLayer):
        start = ("identity" if o.cell in IDENTITY else "orthogonal") if o.recurrent_init == "auto" else o.recurrent_init
        init_recurrent(layer, start, o.forget_bias)
    return layer


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each utterance of (B, T, F) within its own length; padding stays where it is. Its own inverse."""
    t = torch.arange(x.shape[1], device=x.device)[None, :]
    index = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    first = x.shape[1] * torch.arange(len(x), device=x.device)[:, None]
    swapped: Tensor = _Swap.apply(x, (first + index).flatten())  # type: ignore[no-untyped-call]
    return swapped


class _Swap(torch.autograd.Function):
    """Frames of (B, T, F) in an order that is its own inverse, so the gradient takes the same way back.

    Whole frames are copied; ``gather`` would look up each feature, and adds one by one in its backward pass.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return x.flatten(0, 1).index_select(0, order).view(x.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        swapped: Tensor = _Swap.apply(gradient, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return swapped, None


class Unidirectional(nn.Module):
    """A forward layer that can carry its state from chunk to chunk."""

    def __init__(self, options: LayerOptions, input_size: int) -> None:
        super().__init__()
        self.forward_layer = make_cell(options, input_size)
        self.size = options.size

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(B, T, F), lengths (B,), the state before the chunk -> (B, T, H), the state after all T frames.

        The state is an utterance's own only where its length is T: streams are batched with equal chunk lengths.
        """
        y, state = self.forward_layer(x, state)
        return y, state


class Bidirectional(nn.Module):
    """A forward and a backward layer, concatenated; Schuster and Paliwal (1997)."""

    def __init__(self, options: LayerOptions, input_size: int) -> None:
        super().__init__()
        self.forward_layer = make_cell(options, input_size)
        self.backward_layer = make_cell(options, input_size)
        self.size = 2 * options.size

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, None]:
        """(B, T, F), lengths (B,) -> (B, T, 2 H), no state: it needs the whole utterance."""
        ahead, _ = self.forward_layer(x)
        back, _ = self.backward_layer(reverse_within(x, lengths))
        return torch.cat([ahead, reverse_within(back, lengths)], -1), None
