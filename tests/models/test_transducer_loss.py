"""The transducer's loss against enumeration of all alignments, plain autograd, and torchaudio's where that loads."""

import itertools
import math

import pytest
import torch

from speechrnn.errors import DataError
from speechrnn.features._torchaudio import EXTENSION_LOADED, functional
from speechrnn.models import transducer_loss as module
from speechrnn.models.transducer_loss import transducer_loss


def problem(n_utterances, frames, labels, n_tokens=5, joint=4, dtype=torch.float64, seed=0):
    """Random projections, weights and targets; all utterances fill the arrays."""
    draw = torch.Generator().manual_seed(seed)
    shapes = ((n_utterances, frames, joint), (n_utterances, labels + 1, joint), (n_tokens, joint), (n_tokens,))
    given = [torch.randn(shape, generator=draw, dtype=dtype).requires_grad_() for shape in shapes]
    targets = torch.randint(1, n_tokens, (n_utterances, labels), generator=draw)
    return given, torch.full((n_utterances,), frames), targets, torch.full((n_utterances,), labels)


def whole_log_probs(e, p, weight, bias):
    """(B, T, U+1, K), the way the loss does not hold them."""
    return (torch.tanh(e[:, :, None] + p[:, None]) @ weight.t() + bias).log_softmax(-1)


def brute_force(log_probs, target):
    """Sum over every order of T blanks, the last of which ends the utterance, and U labels."""
    frames, labels = len(log_probs), len(target)
    total = []
    for order in itertools.combinations(range(frames + labels - 1), labels):
        t = u = 0
        score = log_probs.new_zeros(())
        for n in range(frames + labels):
            if n in order:
                score = score + log_probs[t, u, target[u]]
                u += 1
            else:
                score = score + log_probs[t, u, 0]
                t += 1
        total.append(score)
    return -torch.stack(total).logsumexp(0)


def gradients(losses, given, weights):
    return torch.autograd.grad((losses * weights).sum(), given)


@pytest.mark.parametrize("block", [1, 40, 2**18])
@pytest.mark.parametrize(("frames", "labels"), [(1, 0), (1, 3), (4, 0), (5, 4), (3, 5), (7, 2)])
def test_loss_and_gradients_equal_enumeration(frames, labels, block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", {"cpu": block})
    given, lengths, targets, sizes = problem(2, frames, labels)
    losses = transducer_loss(*given, lengths, targets, sizes)
    expected = torch.stack([brute_force(x, y) for x, y in zip(whole_log_probs(*given), targets.tolist(), strict=True)])
    torch.testing.assert_close(losses, expected)
    weights = torch.tensor([0.3, -2.0], dtype=torch.float64)
    for ours, theirs in zip(gradients(losses, given, weights), gradients(expected, given, weights), strict=True):
        torch.testing.assert_close(ours, theirs)


LENGTHS, SIZES = torch.tensor([7, 1, 4, 6]), torch.tensor([2, 3, 0, 3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padding_and_batch_mates_change_nothing(dtype):
    given, _, targets, _ = problem(4, 7, 3, dtype=dtype)
    losses = transducer_loss(*given, LENGTHS, targets, SIZES)
    de, dp, dw, db = gradients(losses, given, 1.0)
    e, p, w, b = given
    sums = [torch.zeros_like(w), torch.zeros_like(b)]
    for row, (t, u) in enumerate(zip(LENGTHS.tolist(), SIZES.tolist(), strict=True)):
        own = [e[row : row + 1, :t].detach().requires_grad_(), p[row : row + 1, : u + 1].detach().requires_grad_(), w, b]
        alone = transducer_loss(*own, torch.tensor([t]), targets[row : row + 1, :u], torch.tensor([u]))
        torch.testing.assert_close(losses[row], alone[0])
        one = gradients(alone, own, 1.0)
        torch.testing.assert_close(de[row, :t], one[0][0])
        torch.testing.assert_close(dp[row, : u + 1], one[1][0])
        assert not de[row, t:].any()
        assert not dp[row, u + 1 :].any()
        sums = [before + more for before, more in zip(sums, one[2:], strict=True)]
    torch.testing.assert_close([dw, db], sums)


def test_what_stands_in_the_padding_is_never_read():
    given, _, targets, _ = problem(4, 7, 3)
    before = transducer_loss(*given, LENGTHS, targets, SIZES)
    with torch.no_grad():
        for row, (t, u) in enumerate(zip(LENGTHS.tolist(), SIZES.tolist(), strict=True)):
            given[0][row, t:] = math.nan
            given[1][row, u + 1 :] = math.nan
            targets[row, u:] = -7
    after = transducer_loss(*given, LENGTHS, targets, SIZES)
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert all(g.isfinite().all() for g in gradients(after, given, 1.0))


def test_gradients_of_all_inputs_in_double_precision():
    given, _, targets, _ = problem(4, 7, 3)
    assert torch.autograd.gradcheck(lambda *x: transducer_loss(*x, LENGTHS, targets, SIZES), given)


@pytest.mark.parametrize("scale", [0.25, 8.0])
def test_single_precision_keeps_to_double(scale):
    """Also where the alignment is all but certain, so that most of the lattice is left out of the gradients."""
    given, lengths, targets, sizes = problem(3, 60, 15, 12, 16, torch.float32)
    with torch.no_grad():
        given[2].mul_(scale)
    double = [x.detach().double().requires_grad_() for x in given]
    losses, expected = transducer_loss(*given, lengths, targets, sizes), transducer_loss(*double, lengths, targets, sizes)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses.double(), expected, rtol=1e-5, atol=1e-4)
    for ours, theirs in zip(gradients(losses, given, 1.0), gradients(expected, double, 1.0), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())


def test_large_projections_give_no_infinities():
    given, lengths, targets, sizes = problem(2, 4, 2, dtype=torch.float32)
    with torch.no_grad():
        given[0].mul_(1e4)
    losses = transducer_loss(*given, lengths, targets, sizes)
    expected = torch.stack([brute_force(x, y) for x, y in zip(whole_log_probs(*given), targets.tolist(), strict=True)])
    torch.testing.assert_close(losses, expected)
    assert all(g.isfinite().all() for g in gradients(losses, given, 1.0))


def test_what_is_not_a_number_shows_in_loss_and_gradients():
    given, lengths, targets, sizes = problem(2, 4, 2)
    with torch.no_grad():
        given[0][1, 2] = math.nan
    losses = transducer_loss(*given, lengths, targets, sizes)
    assert losses.isnan().tolist() == [False, True]
    assert all(g.isnan().any() for g in gradients(losses, given, 1.0))


def test_autocast_does_not_reach_it():
    given, lengths, targets, sizes = problem(2, 6, 3, dtype=torch.float32)
    expected = transducer_loss(*given, lengths, targets, sizes)
    with torch.autocast("cpu", torch.bfloat16):
        losses = transducer_loss(*given, lengths, targets, sizes)
        found = gradients(losses, given, 1.0)
        halves = transducer_loss(*(x.bfloat16() for x in given), lengths, targets, sizes)
    torch.testing.assert_close(losses, expected, rtol=0, atol=0)
    torch.testing.assert_close(found, gradients(expected, given, 1.0), rtol=0, atol=0)
    assert halves.dtype == torch.float32


@pytest.mark.skipif(not EXTENSION_LOADED, reason="torchaudio's extension does not load beside a CPU build of torch")
def test_equals_torchaudio():
    given, _, targets, _ = problem(4, 7, 3, dtype=torch.float32)
    logits = torch.tanh(given[0][:, :, None] + given[1][:, None]) @ given[2].t() + given[3]
    theirs = functional.rnnt_loss(logits, targets.int(), LENGTHS.int(), SIZES.int(), blank=0, reduction="none")
    ours = transducer_loss(*given, LENGTHS, targets, SIZES)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(ours, given, 1.0), gradients(theirs, given, 1.0))


@pytest.mark.parametrize("bad", [0, 5, -1, 99])
def test_targets_out_of_range_are_refused(bad):
    given, lengths, targets, sizes = problem(2, 4, 2)
    targets[1, 1] = bad
    with pytest.raises(DataError, match="outside 1…4"):
        transducer_loss(*given, lengths, targets, sizes)
    transducer_loss(*given, lengths, targets, torch.tensor([2, 1]))


@pytest.mark.parametrize(
    ("lengths", "sizes", "cut", "message"),
    [
        ([4, 5], [2, 2], 3, "of 4 frames"),
        ([0, 4], [2, 2], 3, "of 4 frames"),
        ([4, 4], [2, 3], 3, "of 2 targets"),
        ([4, 4], [-1, 2], 3, "of 2 targets"),
        ([4, 4], [2, 2], 2, "one state more"),
        ([4], [2, 2], 3, "row for each"),
    ],
)
def test_lengths_that_disagree_are_refused(lengths, sizes, cut, message):
    given, _, targets, _ = problem(2, 4, 2)
    given[1] = given[1][:, :cut]
    with pytest.raises(DataError, match=message):
        transducer_loss(*given, torch.tensor(lengths), targets, torch.tensor(sizes))
