"""Recurrent layers over padded batches without packing.

``pack_padded_sequence`` costs the fast paths of oneDNN and cuDNN. Here a bidirectional layer is two unidirectional ones:
the backward one reads each utterance reversed within its own length, and its output is turned back. Padding then only
ever trails, so it reaches no real frame. The state returned by a layer over a padded batch is that of the padded end:
whoever wants an utterance's last state gathers the output at length - 1.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError, nearest
from speechrnn.models.init import init_recurrent

State: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""GRU: h (1, B, H); LSTM: h and c."""

CELLS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
"""``model.cell`` by name. Hochreiter and Schmidhuber (1997) with Gers et al. (2000); Cho et al. (2014)."""


def check_cell(cell: str) -> None:
    """Refuse an unknown cell by name."""
    if cell not in CELLS:
        raise UsageError(f"model.cell is {cell!r}", nearest(cell, CELLS))


def make_cell(cell: str, input_size: int, hidden: int) -> nn.Module:
    """One unidirectional layer: (B, T, input_size) -> (B, T, hidden), state."""
    layer = CELLS[cell](input_size, hidden, batch_first=True)
    init_recurrent(layer)
    return layer


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each utterance of (B, T, F) within its own length; padding stays where it is. Its own inverse."""
    t = torch.arange(x.shape[1], device=x.device)[None, :]
    index = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[2]))


class Unidirectional(nn.Module):
    """A forward layer that can carry its state from chunk to chunk."""

    def __init__(self, cell: str, input_size: int, hidden: int) -> None:
        super().__init__()
        self.forward_layer = make_cell(cell, input_size, hidden)
        self.size = hidden

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(B, T, F), lengths (B,), the state before the chunk -> (B, T, H), the state after all T frames.

        The state is an utterance's own only where its length is T: streams are batched with equal chunk lengths.
        """
        y, state = self.forward_layer(x, state)
        return y, state


class Bidirectional(nn.Module):
    """A forward and a backward layer, concatenated; Schuster and Paliwal (1997)."""

    def __init__(self, cell: str, input_size: int, hidden: int) -> None:
        super().__init__()
        self.forward_layer = make_cell(cell, input_size, hidden)
        self.backward_layer = make_cell(cell, input_size, hidden)
        self.size = 2 * hidden

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, None]:
        """(B, T, F), lengths (B,) -> (B, T, 2 H), no state: it needs the whole utterance."""
        ahead, _ = self.forward_layer(x)
        back, _ = self.backward_layer(reverse_within(x, lengths))
        return torch.cat([ahead, reverse_within(back, lengths)], -1), None
