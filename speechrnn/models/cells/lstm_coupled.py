"""LSTM that forgets exactly as much as it takes in: coupled input and forget gates (Greff et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step


class LstmCoupled:
    """Gates f, g, o; the input gate is 1 - f."""

    gates, memory, forget, random_bias, product_is_input = 3, True, 0, None, True

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (3 * hidden, hidden), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        f, g, o = torch.add(s.x, s.r, out=s.kept[0]).chunk(3, 1)
        f.sigmoid_()
        g.tanh_()
        o.sigmoid_()
        torch.lerp(g, s.c, f, out=s.new_c)
        torch.mul(o, torch.tanh(s.new_c, out=s.kept[1]), out=s.new_h)

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        f, g, o = s.kept[0].chunk(3, 1)
        squashed = s.kept[1]
        df, dg, do = to.dx.chunk(3, 1)
        torch.mul(dh, squashed, out=do).mul_(o).mul_(1 - o)
        dc.addcmul_(dh * o, 1 - squashed * squashed)
        kept = dc * f
        torch.mul(kept, s.c - g, out=df).mul_(1 - f)
        torch.mul(dc - kept, 1 - g * g, out=dg)
        dc.copy_(kept)

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        return ()


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, 3 H) after its product, state (B, H) each."""
    f, g, o = (x + nn.functional.linear(h, layer.recurrent)).chunk(3, 1)
    f = torch.sigmoid(f)
    c = f * c + (1 - f) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def build(input_size: int, hidden: int) -> CellLayer:
    return CellLayer(LstmCoupled(), input_size, hidden)
