"""Elman's network with its own squashing function, the logistic one (Elman 1990)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step


class RnnSigmoid:
    """h' = sigmoid(x + r)."""

    gates, memory, forget, product_is_input = 1, False, None, True

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        torch.add(s.x, s.r, out=s.new_h).sigmoid_()

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        torch.mul(s.new_h, dh, out=to.dx).mul_(1 - s.new_h)

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        return ()


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, H) after its product, state (B, H)."""
    return torch.sigmoid(x + nn.functional.linear(h, layer.recurrent)), c


def build(input_size: int, hidden: int) -> CellLayer:
    return CellLayer(RnnSigmoid(), input_size, hidden)
