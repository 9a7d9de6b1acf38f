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


def test_the_gradient_of_a_loss_with_prior_is_that_of_the_brute_force_sum():
    torch.manual_seed(0)
    head = CtcHead(("<blank>", "a", "b"), 4, prior_weight=0.3).eval()
    head.log_prior.copy_(torch.tensor([0.8, 0.15, 0.05]).log())
    encoded = torch.randn(2, 5, 4)
    lengths, targets, target_lengths = torch.tensor([4, 5]), torch.tensor([[1, 2], [2, 2]]), torch.tensor([2, 2])

    def summed(encoded):
        scores = head.log_probs(encoded) - 0.3 * head.log_prior
        losses = []
        for row, length in enumerate(lengths.tolist()):
            paths = itertools.product(range(3), repeat=length)
            hits = [path for path in paths if collapse(path) == tuple(targets[row].tolist())]
            totals = torch.stack([sum(scores[row, t, k] for t, k in enumerate(path)) for path in hits])
            losses.append(-totals.logsumexp(0))
        return torch.stack(losses)

    def gradients(loss):
        x = encoded.clone().requires_grad_()
        values = loss(x)
        return values.detach(), torch.autograd.grad((values * torch.tensor([1.0, 2.0])).sum(), x)[0]

    expected = gradients(summed)
    found = gradients(lambda x: head.loss(x, lengths, targets, target_lengths))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_prior_follows_what_the_frames_say_and_padding_says_nothing():
    torch.manual_seed(0)
    head = CtcHead(("<blank>", "a", "b"), 4, prior_weight=0.3)
    encoded, lengths = torch.randn(2, 9, 4), torch.tensor([9, 6])
    for _ in range(2000):
        head.loss(encoded, lengths, torch.tensor([[1], [2]]), torch.tensor([1, 1]))
        encoded[1, 6:] = 1e3 * torch.randn(3, 4)
    posteriors = head.log_probs(encoded).exp()
    expected = torch.cat([posteriors[0], posteriors[1, :6]]).mean(0)
    torch.testing.assert_close(head.log_prior.exp(), expected, atol=1e-4, rtol=1e-3)


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
