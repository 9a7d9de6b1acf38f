"""LSTM with layer norm of inputs, recurrent product and memory (Ba et al. 2016, equations 20 to 22)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step

EPSILON = 1e-5
"""Added to variances, as in ``torch.nn.LayerNorm``."""


def _normalize(x: Tensor, normalized: Tensor, scale: Tensor) -> Tensor:
    """Fill ``normalized`` (B, N) and ``scale`` (B, 1), the factor that makes the variance 1."""
    variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    torch.rsqrt(variance.add_(EPSILON), out=scale)
    return torch.sub(x, mean, out=normalized).mul_(scale)


def _through_norm(d: Tensor, normalized: Tensor, scale: Tensor) -> Tensor:
    """The gradient before a norm from that behind it."""
    return (d - d.mean(1, keepdim=True)).addcmul_(normalized, (d * normalized).mean(1, keepdim=True), value=-1).mul_(scale)


class LstmLayerNorm:
    """Gates i, f, g, o; extras: gains of the recurrent product (4 H,) and of the memory (H,), and the latter's bias (H,).

    Kept are the gates, the normalized product and its scale, the normalized memory and its scale, and its tanh; noted is the
    gradient behind the memory's norm.
    """

    gates, memory, forget, product_is_input = 4, True, 1, False

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (4 * hidden, 4 * hidden, 1, hidden, 1, hidden), (hidden,)

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        gain_r, gain_c, bias_c = extras
        gates, product, product_scale, memory, memory_scale, squashed = s.kept
        _normalize(s.r, product, product_scale)
        i, f, g, o = torch.addcmul(s.x, product, gain_r, out=gates).chunk(4, 1)
        i.sigmoid_()
        f.sigmoid_()
        g.tanh_()
        o.sigmoid_()
        torch.mul(f, s.c, out=s.new_c).addcmul_(i, g)
        _normalize(s.new_c, memory, memory_scale)
        torch.addcmul(bias_c, memory, gain_c, out=squashed).tanh_()
        torch.mul(o, squashed, out=s.new_h)

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> None:
        gain_r, gain_c, _ = extras
        gates, product, product_scale, memory, memory_scale, squashed = s.kept
        i, f, g, o = gates.chunk(4, 1)
        di, df, dg, do = to.dx.chunk(4, 1)
        torch.mul(dh, squashed, out=do).mul_(o).mul_(1 - o)
        behind = torch.mul(dh * o, 1 - squashed * squashed, out=to.noted[0])
        dc += _through_norm(behind * gain_c, memory, memory_scale)
        torch.mul(dc, g, out=di).mul_(i).mul_(1 - i)
        torch.mul(dc, s.c, out=df).mul_(f).mul_(1 - f)
        torch.mul(dc, i, out=dg).mul_(1 - g * g)
        dc.mul_(f)
        to.dr.copy_(_through_norm(to.dx * gain_r, product, product_scale))

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        _, product, _, memory, *_ = s.kept
        (behind,) = to.noted
        return (to.dx * product).sum((0, 1)), (behind * memory).sum((0, 1)), behind.sum((0, 1))


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, 4 H) after product and norm, state (B, H) each."""
    gain_r, gain_c, bias_c = layer.extras
    product = nn.functional.linear(h, layer.recurrent)
    i, f, g, o = (x + nn.functional.layer_norm(product, product.shape[1:], gain_r, eps=EPSILON)).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(nn.functional.layer_norm(c, c.shape[1:], gain_c, bias_c, EPSILON)), c


def build(input_size: int, hidden: int) -> CellLayer:
    extras = {"gain_r": torch.ones(4 * hidden), "gain_c": torch.ones(hidden), "bias_c": torch.zeros(hidden)}
    return CellLayer(LstmLayerNorm(), input_size, hidden, extras, norm=True)
