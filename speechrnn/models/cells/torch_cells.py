"""Cells that the framework has ready, on fast paths of oneDNN and cuDNN: LSTM, with a projection, GRU."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn


class Lstm(nn.LSTM):
    """:class:`torch.nn.LSTM` of one layer. A single frame on a CPU, a decoder's step, is read by the framework's cell.

    oneDNN's layer arranges all weights anew in every call: for one frame of one utterance that takes four times as long as the
    cell. The other layers don't go through oneDNN.
    """

    def forward(  # type: ignore[override]
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, F), h and c (1, B, H) before -> (B, T, H), h and c after."""
        # Under autocast cell and layer round at different places.
        if x.shape[1] != 1 or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return super().forward(x, state)
        start = x.new_zeros(len(x), self.hidden_size)
        before = (start, start) if state is None else (state[0][0], state[1][0])
        h, c = torch.lstm_cell(x[:, 0], before, *self.all_weights[0])
        return h[:, None], (h[None], c[None])


def lstm(input_size: int, hidden: int) -> Lstm:
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000)."""
    return Lstm(input_size, hidden, batch_first=True)


def lstm_projection(input_size: int, hidden: int, projection: int) -> nn.LSTM:
    """LSTM whose output and state are a projection of its units (Sak et al. 2014)."""
    # Only cuDNN has it; on a CPU it is slower, and says so at every start.
    warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
    return nn.LSTM(input_size, hidden, proj_size=projection, batch_first=True)


def gru(input_size: int, hidden: int) -> nn.GRU:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate behind the product, as cuDNN has it."""
    return nn.GRU(input_size, hidden, batch_first=True)
