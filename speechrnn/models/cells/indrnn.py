"""Independently recurrent network: each unit remembers only itself (Li et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step


class IndRnn:
    """h' = relu(x + u h), u a number a unit."""

    gates, memory, forget, random_bias, product_is_input = 1, False, None, None, True

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        torch.add(s.x, s.r, out=s.new_h).relu_()

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        torch.mul(dh, s.new_h > 0, out=to.dx)

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        return ()


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, H) after its product, state (B, H)."""
    return torch.relu(x + layer.recurrent * h), c


class _Within(nn.Module):
    """Numbers kept within [-1, 1]: beyond it a unit's state would grow without end."""

    def forward(self, u: Tensor) -> Tensor:
        return u.clamp(-1, 1)


def build(input_size: int, hidden: int) -> CellLayer:
    """Recurrent weights begin between 0 and 1, so that units remember for different times; they stay within [-1, 1]."""
    layer = CellLayer(IndRnn(), input_size, hidden, diagonal=True)
    nn.init.uniform_(layer.recurrent)
    parametrize.register_parametrization(layer, "recurrent", _Within())
    return layer
