"""Recurrent layers without packing equal torch's packed ones; padding and batch mates have no influence; chunks equal the whole."""

import pytest
import torch
from torch import nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.registry import CELLS, check_cell
from speechrnn.models.recurrent import Bidirectional, LayerOptions, Unidirectional, reverse_within

IN_TORCH = {"rnn_tanh": {}, "rnn_relu": {"nonlinearity": "relu"}, "irnn": {"nonlinearity": "relu"}, "lstm": {}, "gru": {}}
"""Cells that torch can run both ways itself, with what makes them."""

LENGTHS = torch.tensor([17, 30, 1, 9])


def batch(size: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(4, 30, size, generator=generator)


def packed_twin(layer: Bidirectional, cell: str, size: int, hidden: int) -> nn.Module:
    kind = nn.LSTM if cell == "lstm" else nn.GRU if cell == "gru" else nn.RNN
    twin = kind(size, hidden, batch_first=True, bidirectional=True, **IN_TORCH[cell])
    with torch.no_grad():
        for name, parameter in layer.forward_layer.named_parameters():
            getattr(twin, name).copy_(parameter)
        for name, parameter in layer.backward_layer.named_parameters():
            getattr(twin, f"{name}_reverse").copy_(parameter)
    return twin


@pytest.mark.parametrize("cell", sorted(IN_TORCH))
def test_bidirectional_equals_packed_in_outputs_and_gradients(cell):
    torch.manual_seed(0)
    layer = Bidirectional(LayerOptions(cell, 5), 6)
    twin = packed_twin(layer, cell, 6, 5)
    ours, theirs = batch().requires_grad_(), batch().requires_grad_()
    y, _ = layer(ours, LENGTHS)
    packed = nn.utils.rnn.pack_padded_sequence(theirs, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(twin(packed)[0], batch_first=True)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(LENGTHS.tolist()):
        weight[row, length:] = 0
        torch.testing.assert_close(y[row, :length], expected[row, :length], atol=1e-5, rtol=0)
    (y * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=0)
    for name, parameter in layer.forward_layer.named_parameters():
        torch.testing.assert_close(parameter.grad, getattr(twin, name).grad, atol=1e-5, rtol=1e-5)
    for name, parameter in layer.backward_layer.named_parameters():
        torch.testing.assert_close(parameter.grad, getattr(twin, f"{name}_reverse").grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("kind", [Unidirectional, Bidirectional])
def test_an_utterance_alone_equals_itself_in_a_batch_whatever_the_padding(cell, kind):
    torch.manual_seed(0)
    layer = kind(LayerOptions(cell, 8), 6)
    x = batch()
    for row, length in enumerate(LENGTHS.tolist()):
        x[row, length:] = 1e3
    together, _ = layer(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, _ = layer(x[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_chunks_equal_the_whole(cell):
    torch.manual_seed(0)
    layer = Unidirectional(LayerOptions(cell, 8), 6)
    whole, _ = layer(batch(), torch.full((4,), 30))
    state, parts = None, []
    for chunk in batch().split([1, 7, 2, 15, 5], dim=1):
        y, state = layer(chunk, torch.full((4,), chunk.shape[1]), state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_frame_at_a_time_has_the_gradients_of_the_whole(cell):
    torch.manual_seed(0)
    layer = Unidirectional(LayerOptions(cell, 8), 6).double()
    gradients = []
    for size in (30, 1):
        x = batch().double().requires_grad_()
        state, parts = None, []
        for chunk in x.split(size, dim=1):
            y, state = layer(chunk, torch.full((4,), chunk.shape[1]), state)
            parts.append(y)
        gradients.append(torch.autograd.grad(torch.cat(parts, 1).square().sum(), [x, *layer.parameters()]))
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-10, rtol=1e-10)


def test_reversal_is_within_each_length_and_its_own_inverse():
    x = torch.arange(12.0).reshape(2, 6, 1)
    lengths = torch.tensor([6, 3])
    assert reverse_within(x, lengths)[1, :, 0].tolist() == [8, 7, 6, 9, 10, 11]
    assert torch.equal(reverse_within(reverse_within(x, lengths), lengths), x)


def test_reversal_within_lengths_has_exact_gradients():
    torch.manual_seed(0)
    x = torch.randn(3, 7, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([7, 4, 1])
    assert torch.autograd.gradcheck(lambda x: reverse_within(x, lengths), x)
    assert torch.autograd.gradgradcheck(lambda x: reverse_within(x, lengths), x)


def test_unknown_cell_gets_the_nearest_name():
    with pytest.raises(UsageError, match="lsmt") as caught:
        check_cell("lsmt")
    assert "lstm" in caught.value.remedy


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_initial_weights(cell):
    torch.manual_seed(0)
    layer = Unidirectional(LayerOptions(cell, 8), 6).forward_layer
    for gate in layer.weight_hh_l0.split(8):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)
    bound = (6 / (6 + 8)) ** 0.5
    assert layer.weight_ih_l0.abs().max() <= bound
    assert layer.weight_ih_l0.abs().max() > 0.8 * bound
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    expected = torch.zeros(8 * (4 if cell == "lstm" else 3))
    if cell == "lstm":
        expected[8:16] = 1
    assert torch.equal(bias, expected)
