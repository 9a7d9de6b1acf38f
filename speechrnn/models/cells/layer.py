"""A layer of a cell that no framework has ready: (B, T, F) -> (B, T, H), with the interface of ``torch.nn.LSTM``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from speechrnn.models.cells.scan import Cell, scan

State: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""h (1, B, H); of cells with a memory h and c."""


class CellLayer(nn.Module):
    """One unidirectional layer of a :class:`~speechrnn.models.cells.scan.Cell`.

    Args:
        cell: its element-by-element part.
        input_size, hidden: F and H.
        extras: its further weights, by name, in the cell's order.
        diagonal: each unit sees only itself of the state before.
        norm: layer norm over the inputs after their product.

    Weights: ``input.weight`` (G H, F), ``input.bias`` (G H,), ``recurrent`` (G H, H) or (H,), and the extras.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden: int,
        extras: dict[str, Tensor] | None = None,
        *,
        diagonal: bool = False,
        norm: bool = False,
    ) -> None:
        super().__init__()
        self.cell, self.hidden_size = cell, hidden
        # After a norm a bias would do what the norm's own does.
        self.input = nn.Linear(input_size, cell.gates * hidden, bias=not norm)
        self.norm = nn.LayerNorm(cell.gates * hidden) if norm else nn.Identity()
        self.recurrent = nn.Parameter(torch.zeros(hidden) if diagonal else torch.zeros(cell.gates * hidden, hidden))
        self.names = tuple(extras or {})
        for name, start in (extras or {}).items():
            self.register_parameter(name, nn.Parameter(start))

    @property
    def extras(self) -> list[Tensor]:
        """The cell's further weights, in its order."""
        return [getattr(self, name) for name in self.names]

    @property
    def bias(self) -> Tensor:
        """What is added to the gates (G H,)."""
        return self.norm.bias if self.input.bias is None else self.input.bias

    def projected(self, x: Tensor) -> Tensor:
        """Inputs (B, T, F) after their product, (T, B, G H)."""
        y: Tensor = self.norm(self.input(x.transpose(0, 1)))
        return y

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(B, T, F) and the state before -> outputs (B, T, H) and the state after; float32 whatever the autocast."""
        return run(self.cell, self.projected(x), self.recurrent, state, self.extras)


def run(cell: Cell, x: Tensor, recurrent: Tensor, state: State | None, extras: Sequence[Tensor] = ()) -> tuple[Tensor, State]:
    """Inputs (T, B, G H) after their product and the state before -> outputs (B, T, H) and the state after, in float32 at least."""
    with torch.autocast(x.device.type, enabled=False):
        x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        h, c = state if isinstance(state, tuple) else (state, None)
        start = x.new_zeros(x.shape[1], recurrent.shape[-1])
        h = start if h is None else h[0].to(x.dtype)
        if cell.memory:
            c = start if c is None else c[0].to(x.dtype)
        outputs, h, new_c = scan(cell, x, recurrent, h, c, extras)
    return outputs.transpose(0, 1), (h[None], new_c[None]) if cell.memory else h[None]


def take_states(states: Sequence[State], index: Tensor) -> State:
    """Rows of one layer's states (1, n, H), laid end to end."""
    if isinstance(states[0], Tensor):
        return torch.cat([state for state in states if isinstance(state, Tensor)], 1).index_select(1, index)
    hidden, cell = (torch.cat(list(part), 1).index_select(1, index) for part in zip(*states, strict=True))
    return hidden, cell
