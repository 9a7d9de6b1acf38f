"""Cells that the framework has ready, on fast paths of oneDNN and cuDNN: vanilla networks, LSTM, GRU."""

from __future__ import annotations

import warnings

from torch import nn


def rnn_tanh(input_size: int, hidden: int) -> nn.RNN:
    """Elman's network, h' = tanh(x + r) (Elman 1990)."""
    return nn.RNN(input_size, hidden, batch_first=True)


def rnn_relu(input_size: int, hidden: int) -> nn.RNN:
    """The same with a rectifier, h' = relu(x + r)."""
    return nn.RNN(input_size, hidden, nonlinearity="relu", batch_first=True)


def lstm(input_size: int, hidden: int) -> nn.LSTM:
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000)."""
    return nn.LSTM(input_size, hidden, batch_first=True)


def lstm_projection(input_size: int, hidden: int, projection: int) -> nn.LSTM:
    """LSTM whose output and state are a projection of its units (Sak et al. 2014)."""
    # Only cuDNN has it; on a CPU it is slower, and says so at every start.
    warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
    return nn.LSTM(input_size, hidden, proj_size=projection, batch_first=True)


def gru(input_size: int, hidden: int) -> nn.GRU:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate behind the product, as cuDNN has it."""
    return nn.GRU(input_size, hidden, batch_first=True)
