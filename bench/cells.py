"""Cells that no framework has, forwards and backwards, over torch's LSTM of the same size."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from bench.timing import Ratio, alternate
from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.registry import CELLS
from speechrnn.models.recurrent import LayerOptions, make_cell

BATCH, FRAMES, HIDDEN = 32, 300, 320
BOUND = {"cpu": 3.0, "cuda": 5.0}
"""Times the LSTM's time at most."""


def cells(device: str = "") -> list[Ratio]:
    """Every own cell, batch 32, T = 300, H = 320."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    x = torch.randn(BATCH, FRAMES, HIDDEN, device=device, requires_grad=True)

    def step(layer: nn.Module) -> None:
        layer(x)[0].sum().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    made = {name: make_cell(LayerOptions(name, HIDDEN), HIDDEN).to(device) for name in CELLS}
    ratios = []
    for name, layer in made.items():
        if isinstance(layer, CellLayer):
            ratios.append(
                alternate(f"{name} over LSTM, {device}", partial(step, layer), partial(step, made["lstm"]), BOUND[device])
            )
    return ratios
