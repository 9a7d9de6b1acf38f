"""Light gated recurrent unit (Ravanelli et al. 2018): one gate, ReLU, and a norm of the inputs, which keeps it bounded.

The paper normalizes inputs over the batch; here they are normalized over their features (Ba et al. 2016), because an utterance's
result may not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.scan import Gradients, Step


class LiGru:
    """z = sigmoid(x_z + r_z), h' = z h + (1 - z) relu(x_a + r_a); gates z, a."""

    gates, memory, forget, random_bias, product_is_input = 2, False, None, None, True

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        return (2 * hidden,), ()

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        z, a = torch.add(s.x, s.r, out=s.kept[0]).chunk(2, 1)
        z.sigmoid_()
        a.relu_()
        torch.lerp(a, s.h, z, out=s.new_h)

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> Tensor:
        z, a = s.kept[0].chunk(2, 1)
        dz, da = to.dx.chunk(2, 1)
        through = dh * z
        torch.mul(through, s.h - a, out=dz).mul_(1 - z)
        torch.mul(dh - through, a > 0, out=da)
        return through

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        return ()


def reference(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame, as the equations say it: x (B, 2 H) after product and norm, state (B, H)."""
    z, a = (x + nn.functional.linear(h, layer.recurrent)).chunk(2, 1)
    z = torch.sigmoid(z)
    return z * h + (1 - z) * torch.relu(a), c


def build(input_size: int, hidden: int) -> CellLayer:
    return CellLayer(LiGru(), input_size, hidden, norm=True)
