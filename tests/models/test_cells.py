"""Cells written by us: the fast path equals the equations, derivatives equal finite differences, special cases equal torch's."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.layer import CellLayer
from speechrnn.models.cells.registry import CELLS, FORGETTING
from speechrnn.models.cells.scan import scan
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.recurrent import LayerOptions, make_cell

OURS = ("rnn_sigmoid", "indrnn", "ligru", "lstm_peephole", "lstm_coupled", "lstm_layernorm")
"""The test table of cells that no framework has: a new one is a line here."""


def random_layer(cell: str, input_size: int = 3, hidden: int = 4) -> CellLayer:
    """In double precision, no weight at a place where a mistake would not show."""
    torch.manual_seed(0)
    layer = make_cell(LayerOptions(cell, hidden), input_size).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.rand_like(parameter) - 0.4)
    return layer


def by_the_equations(layer: CellLayer, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Frame by frame, differentiated by torch: the ``reference`` beside the cell."""
    step = importlib.import_module(type(layer.cell).__module__).reference
    outputs = []
    for frame in layer.projected(x):
        h, c = step(layer, frame, h, c)
        outputs.append(h)
    return torch.stack(outputs, 1), h, c


@pytest.mark.parametrize("cell", OURS)
def test_the_fast_path_equals_the_equations_in_outputs_states_and_all_gradients(cell):
    layer = random_layer(cell)
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, h, c = draw(2, 7, 3), draw(2, 4), draw(2, 4)
    wanted = draw(2, 7, 4), draw(2, 4), draw(2, 4)
    results = []
    for fast in (True, False):
        leaves = [tensor.clone().requires_grad_() for tensor in (x, h, c)]
        layer.zero_grad()
        if fast:
            y, state = layer(leaves[0], (leaves[1][None], leaves[2][None]) if layer.cell.memory else leaves[1][None])
            last = [part[0] for part in state] if isinstance(state, tuple) else [state[0]]
        else:
            y, *last = by_the_equations(layer, *leaves)
            last = last[: 1 + layer.cell.memory]
        sum((out * w).sum() for out, w in zip((y, *last), wanted, strict=False)).backward()
        gradients = [leaf.grad for leaf in leaves[: 2 + layer.cell.memory]] + [p.grad for p in layer.parameters()]
        results.append([y, *last, *gradients])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("cell", OURS)
def test_derivatives_equal_finite_differences(cell):
    layer = random_layer(cell)
    hidden = layer.hidden_size
    generator = torch.Generator().manual_seed(2)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    x = leaf(5, 2, layer.cell.gates * hidden)
    weight = layer.recurrent.detach().clone().requires_grad_()
    h, c = leaf(2, hidden), leaf(2, hidden) if layer.cell.memory else None
    extras = [extra.detach().clone().requires_grad_() for extra in layer.extras]
    n = 3 + (c is not None)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        memory = tensors[3] if c is not None else None
        y, last_h, last_c = scan(layer.cell, tensors[0], tensors[1], tensors[2], memory, tensors[n:])
        return (y, last_h, last_c) if c is not None else (y, last_h)

    inputs = [tensor for tensor in (x, weight, h, c, *extras) if tensor is not None]
    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize("cell", OURS)
def test_without_gradients_the_same_comes_out(cell):
    layer = random_layer(cell)
    x = torch.randn(3, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    y, state = layer(x)
    with torch.no_grad():
        again, state_again = layer(x)
    torch.testing.assert_close(again, y.detach(), atol=0, rtol=0)
    torch.testing.assert_close(state_again, state, atol=0, rtol=0)


def test_a_peephole_lstm_that_does_not_look_is_torchs_lstm():
    layer, twin = random_layer("lstm_peephole"), nn.LSTM(3, 4, batch_first=True).double()
    with torch.no_grad():
        for extra in layer.extras:
            extra.zero_()
        twin.weight_ih_l0.copy_(layer.input.weight)
        twin.weight_hh_l0.copy_(layer.recurrent)
        twin.bias_ih_l0.copy_(layer.input.bias)
        twin.bias_hh_l0.zero_()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), twin(x))


def test_an_indrnn_is_torchs_rnn_with_a_diagonal_matrix():
    layer, twin = random_layer("indrnn"), nn.RNN(3, 4, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        twin.weight_ih_l0.copy_(layer.input.weight)
        twin.weight_hh_l0.copy_(torch.diag(layer.recurrent))
        twin.bias_ih_l0.copy_(layer.input.bias)
        twin.bias_hh_l0.zero_()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), twin(x))


def test_an_indrnn_never_amplifies_itself():
    layer = make_cell(LayerOptions("indrnn", 8), 3)
    with torch.no_grad():
        layer.parametrizations.recurrent.original.fill_(3.0)
    assert layer.recurrent.tolist() == [1.0] * 8


@pytest.mark.parametrize("cell", OURS)
def test_under_autocast_a_state_stays_in_full_precision(cell):
    torch.manual_seed(0)
    layer = make_cell(LayerOptions(cell, 8), 3)
    x = torch.randn(2, 50, 3)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, layer(x)[0], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("cell", FORGETTING)
def test_a_forget_gate_begins_open(cell):
    """The bias of the gate that keeps the memory is 1 in total, or as asked; all others 0 but those that must be random."""
    for wanted in (1.0, 3.0):
        layer = make_cell(LayerOptions(cell, 5, forget_bias=wanted), 3)
        if isinstance(layer, CellLayer):
            bias, gate = layer.bias, layer.cell.forget
        else:
            bias, gate = layer.bias_ih_l0 + layer.bias_hh_l0, 1
        expected = torch.zeros_like(bias)
        expected[gate * 5 : gate * 5 + 5] = wanted
        if isinstance(layer, CellLayer) and (stirred := layer.cell.random_bias) is not None:
            expected[stirred * 5 : stirred * 5 + 5] = block = bias[stirred * 5 : stirred * 5 + 5].detach()
            assert len(block.unique()) == 5
        assert torch.equal(bias, expected)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_silent_beginning_leaves_gradients_as_large_as_a_quiet_one(cell):
    """Frames of zeros, as padding or a masked beginning has them, before those that count."""
    for seed in (3, 4, 5):
        quiet, silent, long_silent = (_gradient_behind(cell, seed, *beginning) for beginning in ((0.01, 40), (0.0, 40), (0.0, 400)))
        assert 0 < silent < 3 * quiet
        assert long_silent < 3 * silent


def _gradient_behind(cell: str, seed: int, loudness: float, frames: int) -> float:
    """Norm of all weights' gradients, of a loss over the last frame behind such a beginning."""
    torch.manual_seed(seed)
    layer = make_cell(LayerOptions(cell, 32), 8)
    x = torch.cat([loudness * torch.randn(4, frames, 8), torch.randn(4, 20, 8)], 1)
    layer(x)[0][:, -1].square().sum().backward()
    return torch.stack([p.grad.norm() for p in layer.parameters() if p.grad is not None]).norm().item()


def test_an_irnn_with_no_input_keeps_its_state():
    layer = make_cell(LayerOptions("irnn", 6), 3)
    state = torch.rand(1, 2, 6)
    _, after = layer(torch.zeros(2, 40, 3), state)
    torch.testing.assert_close(after, state)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_cell_says_its_size(cell):
    options = LayerOptions(cell, 6)
    assert make_cell(options, 3)(torch.zeros(2, 4, 3))[0].shape == (2, 4, options.size)


@pytest.mark.parametrize(
    ("changes", "what", "remedy"),
    [
        ({"cell": "gru", "projection": 64}, "model.projection is 64 and model.cell gru", "only lstm_projection"),
        ({"cell": "lstm_projection", "projection": 300}, "model.projection is 300", "fewer units"),
        ({"cell": "gru", "forget_bias": 2.0}, "model.forget_bias is 2 and model.cell gru", "lstm, lstm_peephole"),
        ({"cell": "indrnn", "recurrent_init": "identity"}, "no recurrent matrix|recurrent_init is identity", "rnn_tanh"),
        ({"recurrent_init": "orthogonall"}, "model.recurrent_init", "orthogonal"),
        ({"reverse": True}, "model.reverse and model.bidirectional", "leave one out"),
        ({"cell": "feedforward"}, "model.cell feedforward", "bidirectional=false"),
    ],
)
def test_combinations_without_sense_are_refused_with_what_is_possible(changes, what, remedy):
    with pytest.raises(UsageError, match=what) as error:
        EncoderOptions(**changes)
    assert remedy in error.value.remedy
