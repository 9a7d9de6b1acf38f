"""Heads by kind: one contract, and what each must do to planted frames."""

from __future__ import annotations

import math

import pytest
import torch
from heads import check_head

from speechrnn.errors import DataError, UsageError
from speechrnn.models.attention import AttentionHead, AttentionOptions
from speechrnn.models.classification import ClassHead, ClassOptions
from speechrnn.models.ctc import CtcHead
from speechrnn.models.head import AttentionState, ClassPosteriors, FramePosteriors, TransducerState, Values
from speechrnn.models.pooling import POOLINGS, Pooling
from speechrnn.models.regression import RegressionHead, RegressionOptions
from speechrnn.models.transducer import TransducerHead, TransducerOptions

TOKENS = torch.tensor([[1, 2, 0], [1, 0, 0], [2, 1, 2]]), torch.tensor([2, 1, 3])
ONE = torch.ones(3, dtype=torch.int64)


def test_ctc():
    output = check_head(CtcHead(("<blank>", "a", "b"), 6), 6, *TOKENS)
    assert isinstance(output, FramePosteriors)
    assert output.log_probs.shape == (3, 9, 3)


@pytest.mark.parametrize("changes", [{}, {"cell": "gru", "layers": 2}, {"ctc_weight": 0.3}], ids=str)
def test_transducer(changes):
    output = check_head(TransducerHead(("<blank>", "a", "b"), 6, TransducerOptions(joint=8, dropout=0.0, **changes)), 6, *TOKENS)
    assert isinstance(output, TransducerState)
    assert output.frames.shape == (3, 9, 8)


@pytest.mark.parametrize("changes", [{}, {"cell": "gru", "layers": 2}, {"ctc_weight": 0.3}, {"filters": 0}], ids=str)
def test_attention(changes):
    options = AttentionOptions(hidden=8, dropout=0.0, **{"ctc_weight": 0.0, **changes})
    output = check_head(AttentionHead(("<blank>", "a", "b"), 6, options), 6, *TOKENS)
    assert isinstance(output, AttentionState)
    assert output.frames.shape == (3, 9, 11 if options.ctc_weight else 8)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_classify(pooling, bidirectional):
    output = check_head(ClassHead(("no", "yes"), 6, pooling, bidirectional), 6, torch.tensor([[1], [0], [1]]), ONE)
    assert isinstance(output, ClassPosteriors)
    assert output.log_probs.shape == (3, 2)
    torch.testing.assert_close(output.log_probs.exp().sum(-1), torch.ones(3))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_regression(pooling):
    head = RegressionHead(("age",), 6, pooling, True)
    head.fit(torch.tensor([20.0, 40.0, 60.0]))
    output = check_head(head, 6, torch.tensor([[20.0], [33.5], [70.0]]), ONE)
    assert isinstance(output, Values)
    assert output.values.shape == (3,)


def test_a_number_is_learned_in_its_own_units():
    """With a silent network the mean is said, and an error of one deviation costs 1."""
    head = RegressionHead(("age",), 4, "mean", False)
    values = torch.tensor([20.0, 40.0, 60.0])
    head.fit(values)
    torch.nn.init.zeros_(head.linear.weight)
    encoded, lengths = torch.randn(1, 5, 4), torch.tensor([5])
    assert head.outputs(encoded, lengths).values.tolist() == [40]
    deviation = float(values.std(correction=0))
    assert head.loss(encoded, lengths, torch.tensor([[40 + deviation]]), ONE[:1]).tolist() == pytest.approx([1])


def test_poolings_of_planted_frames():
    x = torch.arange(24.0).reshape(1, 4, 6).repeat(2, 1, 1)
    lengths = torch.tensor([4, 2])
    mean = Pooling("mean", 6, True)(x, lengths)
    torch.testing.assert_close(mean, torch.stack([x[0].mean(0), x[1, :2].mean(0)]))
    # Forwards the last frame of each utterance, backwards the first.
    last = Pooling("last", 6, True)(x, lengths)
    assert last.tolist() == [[18, 19, 20, 3, 4, 5], [6, 7, 8, 3, 4, 5]]
    assert Pooling("last", 6, False)(x, lengths).tolist() == [x[0, 3].tolist(), x[1, 1].tolist()]


def test_attention_can_look_at_one_frame_alone():
    pooling = Pooling("attention", 4, False)
    with torch.no_grad():
        pooling.hidden.weight.zero_()
        pooling.hidden.bias.zero_()
        pooling.hidden.weight[0, 0] = 1.0
        pooling.weight.weight[0, 0] = 100.0
    x = torch.randn(1, 7, 4).clamp(-0.5, 0.5)
    x[0, 3, 0] = 3.0
    torch.testing.assert_close(pooling(x, torch.tensor([7])), x[:, 3])


def test_a_class_that_is_none_is_refused():
    head = ClassHead(("no", "yes"), 4, "mean", False)
    with pytest.raises(DataError, match="0…1"):
        head.loss(torch.randn(1, 5, 4), torch.tensor([5]), torch.tensor([[2]]), ONE[:1])


def test_the_loss_is_the_log_likelihood():
    head = ClassHead(("a", "b", "c", "d"), 4, "mean", False)
    torch.nn.init.zeros_(head.linear.weight)
    loss = head.loss(torch.randn(1, 5, 4), torch.tensor([5]), torch.tensor([[3]]), ONE[:1])
    assert loss.tolist() == pytest.approx([math.log(4)])


@pytest.mark.parametrize("options", [ClassOptions, RegressionOptions])
def test_an_unknown_pooling_is_refused_with_the_nearest(options):
    with pytest.raises(UsageError) as error:
        options(pooling="atention")
    assert "attention" in error.value.remedy
