"""The cells by ``model.cell``."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from speechrnn.errors import UsageError, nearest
from speechrnn.models.cells import (
    feedforward,
    indrnn,
    ligru,
    lstm_coupled,
    lstm_layernorm,
    lstm_peephole,
    rnn,
    torch_cells,
)

CELLS: dict[str, Callable[..., nn.Module]] = {
    "rnn_tanh": rnn.rnn_tanh,
    "rnn_relu": rnn.rnn_relu,
    "rnn_sigmoid": rnn.rnn_sigmoid,
    "irnn": rnn.rnn_relu,
    "lstm": torch_cells.lstm,
    "lstm_peephole": lstm_peephole.build,
    "lstm_coupled": lstm_coupled.build,
    "lstm_projection": torch_cells.lstm_projection,
    "lstm_layernorm": lstm_layernorm.build,
    "gru": torch_cells.gru,
    "ligru": ligru.build,
    "indrnn": indrnn.build,
    "feedforward": feedforward.FeedForward,
}
"""Each takes input size and hidden units and makes one unidirectional layer, (B, T, F) -> (B, T, H) and state."""
IDENTITY = ("irnn",)
"""Cells whose recurrent matrix begins as the identity (Le et al. 2015)."""
DIAGONAL = ("indrnn",)
"""Cells without a recurrent matrix."""
FORGETTING = ("lstm", "lstm_peephole", "lstm_coupled", "lstm_projection", "lstm_layernorm")
"""Cells with a forget gate."""


def check_cell(cell: str, option: str = "model.cell") -> None:
    """Refuse an unknown cell by name."""
    if cell not in CELLS:
        raise UsageError(f"{option} is {cell!r}", nearest(cell, CELLS))
