"""LSTM whose gates see the memory (Gers and Schmidhuber 2000; the form of Graves 2013)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step


class LstmPeephole:
    """Gates i, f, g, o; extras: the weights by which i, f and o see the memory, each (H,)."""

    gates, memory, forget, random_bias, product_is_input = 4, True, 1, None, True

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (4 * hidden, hidden), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        p_i, p_f, p_o = extras
        i, f, g, o = torch.add(s.x, s.r, out=s.kept[0]).chunk(4, 1)
        i.addcmul_(s.c, p_i).sigmoid_()
        f.addcmul_(s.c, p_f).sigmoid_()
        g.tanh_()
        torch.mul(f, s.c, out=s.new_c).addcmul_(i, g)
        o.addcmul_(s.new_c, p_o).sigmoid_()
        torch.mul(o, torch.tanh(s.new_c, out=s.kept[1]), out=s.new_h)

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        p_i, p_f, p_o = extras
        i, f, g, o = s.kept[0].chunk(4, 1)
        squashed = s.kept[1]
        di, df, dg, do = to.dx.chunk(4, 1)
        torch.mul(dh, squashed, out=do).mul_(o).mul_(1 - o)
        dc.addcmul_(dh * o, 1 - squashed * squashed).addcmul_(do, p_o)
        torch.mul(dc, g, out=di).mul_(i).mul_(1 - i)
        torch.mul(dc, s.c, out=df).mul_(f).mul_(1 - f)
        torch.mul(dc, i, out=dg).mul_(1 - g * g)
        dc.mul_(f).addcmul_(di, p_i).addcmul_(df, p_f)

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        di, df, _, do = to.dx.chunk(4, 2)
        return [(d * c).sum((0, 1)) for d, c in ((di, s.c), (df, s.c), (do, s.new_c))]


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, 4 H) after its product, state (B, H) each."""
    p_i, p_f, p_o = layer.extras
    i, f, g, o = (x + nn.functional.linear(h, layer.recurrent)).chunk(4, 1)
    c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
    return torch.sigmoid(o + p_o * c) * torch.tanh(c), c


def build(input_size: int, hidden: int) -> CellLayer:
    """Peepholes begin at 0: as an LSTM without them."""
    return CellLayer(LstmPeephole(), input_size, hidden, {f"peephole_{gate}": torch.zeros(hidden) for gate in "ifo"})
