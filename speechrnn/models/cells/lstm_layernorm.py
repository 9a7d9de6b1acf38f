"""LSTM with layer norm of inputs, recurrent product and memory (Ba et al. 2016, equations 20 to 22)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step

EPSILON = 1e-5
"""Added to variances, as in ``torch.nn.LayerNorm``."""
GAIN = 0.1
"""Of the recurrent product, to begin with (Cooijmans et al. 2017, of batch norm). With 1, and nothing to hear, a normalized state
drives itself as hard as speech would, and gradients grow with every frame of silence: through 400 up to two million."""


def _through_norm(d: Tensor, x: Tensor, mean: Tensor, scale: Tensor, gain: Tensor) -> Tensor:
    """The gradient before a norm of ``x`` (B, N) with gains from that behind it."""
    backward = torch.ops.aten.native_layer_norm_backward
    before: Tensor = backward(d, x, x.shape[1:], mean, scale, gain, None, [True, False, False])[0]
    return before


class LstmLayerNorm:
    """Gates i, f, g, o; extras: gains of the recurrent product (4 H,) and of the memory (H,), and the latter's bias (H,).

    Kept are the gates, the product, the tanh of the normalized memory, and mean and scale (1 / deviation) of product and memory;
    noted is the gradient behind the memory's norm.
    """

    gates, memory, forget, random_bias, product_is_input = 4, True, 1, 2, False

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (4 * hidden, 4 * hidden, hidden, 1, 1, 1, 1), (hidden,)

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        gain_r, gain_c, bias_c = extras
        gates, product, squashed, *moments = s.kept
        product.copy_(s.r)
        normalized, *of_product = torch.native_layer_norm(s.r, s.r.shape[1:], gain_r, None, EPSILON)
        i, f, g, o = torch.add(s.x, normalized, out=gates).chunk(4, 1)
        i.sigmoid_()
        f.sigmoid_()
        g.tanh_()
        o.sigmoid_()
        torch.mul(f, s.c, out=s.new_c).addcmul_(i, g)
        normalized, *of_memory = torch.native_layer_norm(s.new_c, s.new_c.shape[1:], gain_c, bias_c, EPSILON)
        torch.mul(o, torch.tanh(normalized, out=squashed), out=s.new_h)
        for kept, moment in zip(moments, (*of_product, *of_memory), strict=True):
            kept.copy_(moment)

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        gain_r, gain_c, _ = extras
        gates, product, squashed, mean_r, scale_r, mean_c, scale_c = s.kept
        i, f, g, o = gates.chunk(4, 1)
        di, df, dg, do = to.dx.chunk(4, 1)
        torch.mul(dh, squashed, out=do).mul_(o).mul_(1 - o)
        behind = torch.mul(dh * o, 1 - squashed * squashed, out=to.noted[0])
        dc += _through_norm(behind, s.new_c, mean_c, scale_c, gain_c)
        torch.mul(dc, g, out=di).mul_(i).mul_(1 - i)
        torch.mul(dc, s.c, out=df).mul_(f).mul_(1 - f)
        torch.mul(dc, i, out=dg).mul_(1 - g * g)
        dc.mul_(f)
        to.dr.copy_(_through_norm(to.dx, product, mean_r, scale_r, gain_r))

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        _, product, _, mean_r, scale_r, mean_c, scale_c = s.kept
        (behind,) = to.noted
        gain_r = (to.dx * (product - mean_r) * scale_r).sum((0, 1))
        return gain_r, (behind * (s.new_c - mean_c) * scale_c).sum((0, 1)), behind.sum((0, 1))


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, 4 H) after product and norm, state (B, H) each."""
    gain_r, gain_c, bias_c = layer.extras
    product = nn.functional.linear(h, layer.recurrent)
    i, f, g, o = (x + nn.functional.layer_norm(product, product.shape[1:], gain_r, eps=EPSILON)).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(nn.functional.layer_norm(c, c.shape[1:], gain_c, bias_c, EPSILON)), c


def build(input_size: int, hidden: int) -> CellLayer:
    extras = {"gain_r": torch.full((4 * hidden,), GAIN), "gain_c": torch.ones(hidden), "bias_c": torch.zeros(hidden)}
    return CellLayer(LstmLayerNorm(), input_size, hidden, extras, norm=True)
