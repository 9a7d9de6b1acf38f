"""A recurrence over time as one differentiable operation.

Differentiating step by step would keep every intermediate result and form a weight gradient a step. Here the inputs of all frames
have been multiplied before the loop; the loop holds the recurrent product and what is done element by element, forwards and,
written by hand, backwards; the gradient of the recurrent weights is one product after it, over all frames at once.

T frames, B utterances, H hidden units, G gates. ``x`` (T, B, G H) are inputs after their product. The state is ``h`` (B, H) and, of
cells with a memory, ``c`` (B, H).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Step(NamedTuple):
    """One frame of a recurrence. Without a memory ``c`` and ``new_c`` are empty.

    x, r: (B, G H): its input, and the product of the state before it with the recurrent weights; h, c: the state before it;
    new_h, new_c: the state after it; kept: what the cell keeps for the derivative, each (B, its width).
    """

    x: Tensor
    r: Tensor
    h: Tensor
    c: Tensor
    new_h: Tensor
    new_c: Tensor
    kept: Sequence[Tensor]


class Gradients(NamedTuple):
    """What the derivative of a step fills.

    dx, dr: gradients of ``x`` and ``r`` (B, G H), the same tensor where these are simply added; noted: what the gradients of the
    extras need to know of the step, each (B, its width).
    """

    dx: Tensor
    dr: Tensor
    noted: Sequence[Tensor]


class Cell(Protocol):
    """The element-by-element part of a recurrence, and its derivative."""

    @property
    def gates(self) -> int:
        """G."""

    @property
    def memory(self) -> bool:
        """Whether there is a ``c``."""

    @property
    def forget(self) -> int | None:
        """Which of the gates keeps the memory."""

    @property
    def random_bias(self) -> int | None:
        """Which of the gates begins with random biases. A state that is normalized must not be zero, or each frame of a silent
        beginning would multiply gradients by the norm's 1 / sqrt(epsilon), until they are no numbers any more."""

    @property
    def product_is_input(self) -> bool:
        """Whether ``x`` and ``r`` are simply added, so that their gradients are the same."""

    def widths(self, hidden: int) -> tuple[Sequence[int], Sequence[int]]:
        """Of what a step keeps, and of what its derivative notes."""

    def step(self, s: Step, extras: Sequence[Tensor]) -> None:
        """Fill ``s.new_h``, ``s.new_c`` and ``s.kept``; ``extras`` are the cell's further weights."""

    def back(self, s: Step, extras: Sequence[Tensor], dh: Tensor, dc: Tensor, to: Gradients) -> Tensor | None:
        """From the gradients of the new state to those of the step.

        Args:
            dh: gradient of ``new_h``.
            dc: gradient of ``new_c``; becomes that of ``c``.
            to: to be filled.

        Returns:
            the gradient of ``h`` that does not go through ``r``; ``None``: there is none.
        """

    def extra_gradients(self, s: Step, extras: Sequence[Tensor], to: Gradients) -> Sequence[Tensor]:
        """Gradients of the extras; here steps and gradients are those of all frames, each (T, B, width)."""


def scan(
    cell: Cell, x: Tensor, weight: Tensor, h: Tensor, c: Tensor | None, extras: Sequence[Tensor] = ()
) -> tuple[Tensor, Tensor, Tensor]:
    """Run a cell over all frames.

    Args:
        cell: which.
        x: inputs after their product, (T, B, G H).
        weight: recurrent matrix (G H, H), or a vector (H,) where each unit sees only itself.
        h, c: state before the first frame, (B, H); ``c`` is ``None`` for cells without a memory.
        extras: further weights.

    Returns:
        outputs (T, B, H), and the state after the last frame; the second part is empty without a memory.
    """
    if c is None:
        c = x.new_zeros(len(h), 0)
    tensors = (x, weight, h, c, *extras)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        outputs: tuple[Tensor, Tensor, Tensor] = _Scan.apply(cell, *tensors)  # type: ignore[no-untyped-call]
        return outputs
    hs, cs, _ = _forward(cell, x, weight, h, c, extras, keep=False)
    return hs[1:], hs[-1], cs[-1]


def _product(h: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    return torch.mul(h, weight, out=out) if weight.dim() == 1 else torch.mm(h, weight.t(), out=out)


def _forward(
    cell: Cell, x: Tensor, weight: Tensor, h: Tensor, c: Tensor, extras: Sequence[Tensor], *, keep: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """States (T + 1, B, H) from the first on, and what is kept; of a memory without ``keep`` only the last counts."""
    T, B, _ = x.shape
    hs = x.new_empty(T + 1, B, h.shape[1])
    cs = x.new_empty(T + 1 if keep else 2, B, c.shape[1])
    hs[0], cs[0] = h, c
    kept = [x.new_empty(T if keep else 1, B, width) for width in cell.widths(h.shape[1])[0]]
    r = torch.empty_like(x[0]) if T else x
    for t in range(T):
        now, after = (t, t + 1) if keep else (t % 2, (t + 1) % 2)
        _product(hs[t], weight, r)
        cell.step(Step(x[t], r, hs[t], cs[now], hs[t + 1], cs[after], [k[t if keep else 0] for k in kept]), extras)
    return hs, cs if keep else cs[T % 2][None], kept


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cell: Cell, x: Tensor, weight: Tensor, h: Tensor, c: Tensor, *extras: Tensor) -> tuple[Tensor, ...]:
        hs, cs, kept = _forward(cell, x, weight, h, c, extras, keep=True)
        ctx.cell, ctx.n_extras = cell, len(extras)
        ctx.save_for_backward(weight, hs, cs, *extras, *kept)
        return hs[1:], hs[-1].clone(), cs[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dh_last: Tensor, dc_last: Tensor) -> tuple[Tensor | None, ...]:
        weight, hs, cs, *others = ctx.saved_tensors
        extras, kept = others[: ctx.n_extras], others[ctx.n_extras :]
        cell: Cell = ctx.cell
        T, B, H = dy.shape
        dx = dy.new_empty(T, B, cell.gates * H)
        dr = dx if cell.product_is_input else torch.empty_like(dx)
        noted = [dy.new_empty(T, B, width) for width in cell.widths(H)[1]]
        dh, dc = dh_last.clone(), dc_last.clone()
        nothing = dx[:0]
        for t in range(T - 1, -1, -1):
            dh += dy[t]
            s = Step(nothing, nothing, hs[t], cs[t], hs[t + 1], cs[t + 1], [k[t] for k in kept])
            direct = cell.back(s, extras, dh, dc, Gradients(dx[t], dr[t], [n[t] for n in noted]))
            if weight.dim() == 1:
                dh = dr[t] * weight if direct is None else torch.addcmul(direct, dr[t], weight)
            else:
                dh = torch.mm(dr[t], weight) if direct is None else torch.addmm(direct, dr[t], weight)
        before = hs[:-1]
        d_weight = (dr * before).sum((0, 1)) if weight.dim() == 1 else dr.view(T * B, -1).t() @ before.view(T * B, H)
        everything = Step(nothing, nothing, before, cs[:-1], hs[1:], cs[1:], kept)
        return None, dx, d_weight, dh, dc, *cell.extra_gradients(everything, extras, Gradients(dx, dr, noted))
