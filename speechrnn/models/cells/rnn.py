"""Elman's network (Elman 1990), squashed by tanh, a rectifier or the logistic function."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer, State, run
from speechrnn.models.cells.scan import Gradients, Step

SQUASH = {"tanh": torch.tanh_, "relu": torch.relu_, "sigmoid": torch.sigmoid_}


class Elman:
    """h' = f(x + r)."""

    gates, memory, forget, random_bias, product_is_input = 1, False, None, None, True

    def __init__(self, squash: str) -> None:
        self.squash = squash

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        SQUASH[self.squash](torch.add(s.x, s.r, out=s.new_h))

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        if self.squash == "relu":
            torch.mul(dh, s.new_h > 0, out=to.dx)
        elif self.squash == "tanh":
            torch.addcmul(dh, dh * s.new_h, s.new_h, value=-1, out=to.dx)
        else:
            torch.mul(s.new_h, dh, out=to.dx).mul_(1 - s.new_h)

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        return ()


class Rnn(nn.RNN):
    """:class:`torch.nn.RNN` of one layer, which is cuDNN's on a GPU. On a CPU, where oneDNN has none, our own loop trains it."""

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """(B, T, F), h (1, B, H) before -> (B, T, H), h after."""
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x, state)
        weight, recurrent, bias, second = self.all_weights[0]
        y = nn.functional.linear(x.transpose(0, 1), weight, bias + second)
        return run(Elman(self.nonlinearity), y, recurrent, state)


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame of the logistic one, as the equations say it: x (B, H) after its product, state (B, H)."""
    return torch.sigmoid(x + nn.functional.linear(h, layer.recurrent)), c


def rnn_tanh(input_size: int, hidden: int) -> Rnn:
    return Rnn(input_size, hidden, batch_first=True)


def rnn_relu(input_size: int, hidden: int) -> Rnn:
    return Rnn(input_size, hidden, nonlinearity="relu", batch_first=True)


def rnn_sigmoid(input_size: int, hidden: int) -> CellLayer:
    return CellLayer(Elman("sigmoid"), input_size, hidden)
