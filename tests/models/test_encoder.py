"""What an encoder can have beside its layers: each option does what it says, and none breaks batches or streams."""

from __future__ import annotations

import pytest
import torch

from speechrnn.models.cells.registry import CELLS
from speechrnn.models.dropout import Dropout, VariationalDropout
from speechrnn.models.encoder import Encoder, EncoderOptions

CRDNN = {"subsampling": "conv2d", "conv_size": 4, "dense": 2}
LENGTHS = torch.tensor([23, 40, 9])


def encoder(**changes) -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderOptions(**{"layers": 2, "hidden": 8, "factor": 2} | changes), 6).eval()


def frames() -> torch.Tensor:
    x = torch.randn(3, 40, 6, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(LENGTHS.tolist()):
        x[row, length:] = 0
    return x


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("changes", [{}, {"residual": True, "layer_norm": True}, CRDNN])
def test_an_utterance_is_the_same_in_any_batch_and_in_any_chunks(cell, changes):
    net = encoder(cell=cell, bidirectional=False, **changes)
    x = frames()
    whole, lengths = net(x, LENGTHS)
    assert whole.shape[2] == net.size
    for row, length in enumerate(LENGTHS.tolist()):
        alone, _ = net(x[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(whole[row, : lengths[row]], alone[0], atol=1e-5, rtol=0)
    state, parts = None, []
    chunks = x[1:2].split([1, 12, 2, 25], 1)
    for number, chunk in enumerate(chunks):
        y, state = net.stream(chunk, state, last=number == len(chunks) - 1)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole[1:2], atol=1e-5, rtol=0)


@pytest.mark.parametrize("changes", [{"bidirectional": True}, {"bidirectional": False, "reverse": True}])
def test_what_reads_from_the_end_knows_nothing_of_the_padding(changes):
    net = encoder(**changes)
    x = frames()
    whole, lengths = net(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, _ = net(x[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(whole[row, : lengths[row]], alone[0], atol=1e-5, rtol=0)


def test_an_encoder_that_reads_from_the_end_sees_only_what_comes_later():
    net = encoder(bidirectional=False, reverse=True)
    x = frames()[1:2].requires_grad_()
    y, _ = net(x, LENGTHS[1:2])
    y[0, 10].sum().backward()
    assert not x.grad[0, :20].any()
    assert bool(x.grad[0, 20:].any(-1).all())


def test_a_residual_layer_begins_at_what_it_is_given():
    net = encoder(bidirectional=False, residual=True, layers=2)
    torch.nn.init.zeros_(net.layers[1].forward_layer.weight_ih_l0)
    torch.nn.init.zeros_(net.layers[1].forward_layer.weight_hh_l0)
    net.layers[1].forward_layer.bias_hh_l0.data.zero_()
    short = encoder(bidirectional=False, residual=True, layers=1)
    short.load_state_dict({name: weight for name, weight in net.state_dict().items() if "layers.1" not in name})
    torch.testing.assert_close(net(frames(), LENGTHS)[0], short(frames(), LENGTHS)[0])


def test_dropout_drops_single_values_and_keeps_the_mean():
    torch.manual_seed(0)
    drop = Dropout(0.25)
    x = torch.ones(40, 50, 10, requires_grad=True)
    y = drop(x)
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float((y == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    for axis in range(3):
        shares = (y == 0).float().mean(axis)
        assert float(shares.min()) < 0.25 < float(shares.max()), "no axis has one mask for all"
    y.sum().backward()
    assert torch.equal(x.grad, y.detach()), "what is dropped learns nothing"
    assert torch.equal(drop.eval()(x), x)


def test_variational_dropout_drops_the_same_features_in_all_frames():
    torch.manual_seed(0)
    drop = VariationalDropout(0.25)
    y = drop(torch.ones(400, 5, 10))
    assert torch.equal(y, y[:, :1].expand(-1, 5, -1))
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float((y == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert not torch.equal(y[0], y[1]), "each utterance has its own"
    assert torch.equal(drop.eval()(torch.ones(2, 5, 10)), torch.ones(2, 5, 10))


def test_frames_without_memory_know_nothing_of_each_other():
    net = encoder(cell="feedforward", bidirectional=False)
    x = frames()[1:2].requires_grad_()
    y, _ = net(x, LENGTHS[1:2])
    y[0, 10].sum().backward()
    touched = x.grad[0].any(-1).nonzero()[:, 0].tolist()
    assert touched == [20, 21]
