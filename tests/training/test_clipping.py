"""Gradients that are too large are cut, by value, then by norm; those that are not finite change nothing."""

from __future__ import annotations

import math
from unittest.mock import Mock

import pytest
import torch

from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.training.module import RecognizerModule
from speechrnn.training.options import TrainerOptions


def clipped(gradient: float, **options: float) -> tuple[RecognizerModule, Mock]:
    """A model whose every gradient was ``gradient``, after clipping, and its optimizer."""
    model = AcousticModel(ModelOptions(model=EncoderOptions(layers=1, hidden=4)), ("<blank>", "a"))
    module = RecognizerModule(model, Mock(), TrainerOptions(**options), 10)
    for parameter in module.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    optimizer = Mock()
    module.configure_gradient_clipping(optimizer)
    return module, optimizer


def norm(module: RecognizerModule) -> float:
    return math.sqrt(sum(float(parameter.grad.square().sum()) for parameter in module.parameters()))


def test_by_norm():
    assert norm(clipped(1.0, gradient_clip=0.5)[0]) == pytest.approx(0.5, rel=1e-3)


def test_by_value_alone():
    module, _ = clipped(1.0, gradient_clip=0.0, gradient_clip_value=0.01)
    assert all(torch.equal(p.grad, torch.full_like(p, 0.01)) for p in module.parameters())


def test_by_neither():
    module, _ = clipped(7.0, gradient_clip=0.0)
    assert all(bool((p.grad == 7).all()) for p in module.parameters())


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_is_not_finite_is_not_made_finite(value, monkeypatch):
    monkeypatch.setattr(RecognizerModule, "_count_nonfinite", lambda self: None)
    module, optimizer = clipped(value, gradient_clip_value=0.01)
    assert not math.isfinite(module.gradient_norm)
    optimizer.zero_grad.assert_called_once_with(set_to_none=True)
