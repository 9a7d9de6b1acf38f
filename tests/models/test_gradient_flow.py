"""The gradient's path back through time, where it is known by hand."""

from __future__ import annotations

import pytest
import torch

from speechrnn.models.classification import ClassHead
from speechrnn.models.ctc import CtcHead
from speechrnn.models.encoder import Encoder, EncoderOptions
from speechrnn.models.gradient_flow import gradient_flow
from speechrnn.training.diagnostics import verdicts


def flow(cell: str, factor: float = 1.0, head: str = "ctc", **changes):
    """Of a network over positive frames; recurrent weights are multiplied by ``factor``."""
    torch.manual_seed(0)
    options = {"cell": cell, "layers": 1, "hidden": 6, "factor": 1, "bidirectional": False, "dropout": 0.0} | changes
    net = Encoder(EncoderOptions(**options), 4)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if "weight_ih" in name:
                # All units active, and no output so sure that it could not be surer.
                weight.abs_().mul_(0.01)
            if "weight_hh" in name:
                weight.mul_(factor)
    made = CtcHead(("<blank>", "a", "b"), net.size) if head == "ctc" else ClassHead(("a", "b"), net.size, "last", False)
    return gradient_flow(net.eval(), made, torch.rand(3, 30, 4), 20)


@pytest.mark.parametrize("factor", [1.0, 0.5, 1.1])
def test_through_a_scaled_identity_it_is_a_power(factor):
    """All units are active, so a step back multiplies by the factor."""
    (norms,) = flow("irnn", factor).values()
    torch.testing.assert_close(norms / norms[0], factor ** torch.arange(21.0))


def test_an_orthogonal_matrix_without_squashing_keeps_its_length():
    (norms,) = flow("irnn", recurrent_init="identity").values()
    torch.testing.assert_close(norms, norms[0].expand(21))


def test_without_memory_nothing_reaches_back():
    (norms,) = flow("feedforward").values()
    assert norms[0] > 0
    assert not norms[1:].any()


def test_it_equals_a_difference_of_losses():
    """A small push on the state at t - k changes the loss by its gradient."""
    torch.manual_seed(0)
    net = Encoder(EncoderOptions(cell="gru", layers=1, hidden=5, factor=1, bidirectional=False), 4).double().eval()
    head = CtcHead(("<blank>", "a", "b"), 5).double()
    x, lag = torch.rand(1, 12, 4, dtype=torch.float64), 4
    (norms,) = gradient_flow(net, head, x, 8).values()
    layer = net.layers[0].forward_layer
    _, state = layer(x[:, : 12 - lag])
    last = net(x, torch.tensor([12]))[0][:, -1]
    best = int(head.linear(last).argmax())

    def loss(pushed):
        y, _ = layer(x[:, 12 - lag :], pushed)
        return -head.linear(y[:, -1]).log_softmax(-1)[0, best]

    pushed = state.detach().requires_grad_()
    gradient = torch.autograd.functional.jacobian(loss, pushed)
    assert float(norms[lag]) == pytest.approx(float(gradient.norm()), rel=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole", "ligru", "lstm_projection"])
def test_every_layer_and_direction_is_told_and_weights_are_left_alone(cell):
    torch.manual_seed(0)
    net = Encoder(EncoderOptions(cell=cell, layers=2, hidden=6, factor=2), 4).eval()
    found = gradient_flow(net, CtcHead(("<blank>", "a"), net.size), torch.rand(2, 40, 4), 100)
    assert list(found) == ["1 forward", "1 backward", "2 forward", "2 backward"]
    assert {len(norms) for norms in found.values()} <= {10, 11}
    assert all(bool((norms > 0).all()) for norms in found.values())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_class_is_told_from_the_end():
    (norms,) = flow("irnn", 0.5, head="classify").values()
    torch.testing.assert_close(norms / norms[0], 0.5 ** torch.arange(21.0))


def test_words_for_what_vanishes_and_explodes():
    lags = torch.arange(30.0)
    said = verdicts({"1 forward": 0.5**lags, "2 forward": 0.98**lags, "3 forward": 3.0**lags}, 0.02)
    assert len(said) == 2
    assert said[0].startswith("layer 1 forward: gradients vanish, what was 200 ms ago")
    assert "model.cell=lstm" in said[0]
    assert said[1].startswith("layer 3 forward: gradients explode, a thousandfold within 140 ms")
    assert "trainer.gradient_clip" in said[1]
