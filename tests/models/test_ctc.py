"""The CTC head against exhaustive summation over all alignments."""

import itertools
import math

import numpy as np
import pytest
import torch

from speechrnn.errors import DataError
from speechrnn.models.ctc import CtcHead, frames_needed


def collapse(path):
    return tuple(k for k, _ in itertools.groupby(path) if k)


def brute_force(log_probs: np.ndarray, target: tuple[int, ...]) -> float:
    total = -math.inf
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if collapse(path) == target:
            total = np.logaddexp(total, sum(log_probs[t, k] for t, k in enumerate(path)))
    return -total


@pytest.mark.parametrize("target", [(1,), (1, 2), (2, 2), (1, 2, 1), ()])
def test_loss_equals_brute_force_and_ignores_padding(target):
    torch.manual_seed(0)
    head = CtcHead(("<blank>", "a", "b"), 4)
    encoded = torch.randn(2, 8, 4)
    lengths = torch.tensor([5, 8])
    targets = torch.zeros(2, 4, dtype=torch.int64)
    targets[0, : len(target)] = torch.tensor(target)
    targets[1, :3] = torch.tensor([1, 2, 1])
    losses = head.loss(encoded, lengths, targets, torch.tensor([len(target), 3]))
    log_probs = head.outputs(encoded, lengths).log_probs[0, :5].detach().double().numpy()
    assert losses[0].item() == pytest.approx(brute_force(log_probs, target), abs=1e-4)


def test_outputs_are_float32_log_probabilities_even_under_autocast():
    head = CtcHead(("<blank>", "a", "b"), 4)
    with torch.autocast("cpu", torch.bfloat16):
        out = head.outputs(torch.randn(2, 5, 4), torch.tensor([5, 3])).log_probs
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.exp().sum(-1), torch.ones(2, 5))


def test_an_infeasible_target_is_infinite_not_hidden():
    head = CtcHead(("<blank>", "a"), 4)
    losses = head.loss(torch.randn(1, 2, 4), torch.tensor([2]), torch.tensor([[1, 1]]), torch.tensor([2]))
    assert torch.isinf(losses).all()
    assert frames_needed([1, 1]) == 3


@pytest.mark.parametrize("bad", [0, 3, -1, 99])
def test_targets_out_of_range_are_refused(bad):
    head = CtcHead(("<blank>", "a", "b"), 4)
    with pytest.raises(DataError, match="outside"):
        head.loss(torch.randn(1, 6, 4), torch.tensor([6]), torch.tensor([[1, bad]]), torch.tensor([2]))


@pytest.mark.parametrize("target", [(1, 1), (1, 2, 2, 2, 1), (2,)])
def test_frames_needed_is_the_least_that_can_be_spelled(target):
    least = next(t for t in range(1, 12) if any(collapse(p) == target for p in itertools.product(range(3), repeat=t)))
    assert frames_needed(list(target)) == least
