"""The attention encoder-decoder as a head: its loss and its steps tell the same, and an utterance's do not depend on its batch."""

import math

import numpy as np
import pytest
import torch

from speechrnn.decoding.attention import beam_attention, greedy_attention
from speechrnn.errors import DataError, UsageError
from speechrnn.models.attention import AttentionHead, AttentionOptions
from speechrnn.models.ctc import CtcHead

VOCABULARY = ("<blank>", "a", "b")
LENGTHS, SIZES = torch.tensor([6, 3, 5]), torch.tensor([2, 0, 3])
TARGETS = torch.tensor([[1, 2, 0], [0, 0, 0], [2, 2, 1]])
SMALL = {"hidden": 7, "embedding": 5, "attention": 6, "width": 3, "filters": 2, "ctc_weight": 0.0}
VARIANTS = [{}, {"cell": "gru", "layers": 2}, {"cell": "feedforward"}, {"filters": 0}, {"cell": "lstm_projection"}]


def make_head(**changes):
    torch.manual_seed(3)
    return AttentionHead(VOCABULARY, 4, AttentionOptions(**{**SMALL, **changes})).eval()


def encoded_frames():
    frames = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(5))
    return frames * (torch.arange(6) < LENGTHS[:, None])[..., None]


def rows(state):
    return [row[:length].detach().numpy() for row, length in zip(state.frames, state.lengths.tolist(), strict=True)]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_a_search_gives_a_transcript_the_probability_that_the_loss_is_of(changes):
    head = make_head(**changes)
    encoded = encoded_frames()
    losses = head.loss(encoded, LENGTHS, TARGETS, SIZES).tolist()
    state = head.outputs(encoded, LENGTHS)
    for frames, target, size, loss in zip(rows(state), TARGETS.tolist(), SIZES.tolist(), losses, strict=True):
        every = beam_attention(frames, state.steps, 10_000, nbest=10_000)
        # Scores are nats a token, the end among them.
        found = {tuple(one.path.ids.tolist()): one.score * (len(one.path) + 1) for one in every}
        assert found[tuple(target[:size])] == pytest.approx(-loss, abs=1e-5)
        # With all that is longer cut off, what is written sums to no more than 1.
        assert 0.2 < np.exp(list(found.values())).sum() <= 1 + 1e-5


@pytest.mark.parametrize("changes", [*VARIANTS, {"ctc_weight": 0.3}], ids=str)
def test_an_utterance_is_read_alike_in_any_batch(changes):
    head = make_head(**changes)
    with torch.no_grad():
        head.output.bias[0] -= 0.5
    state = head.outputs(encoded_frames(), LENGTHS)
    frames = rows(state)
    together = greedy_attention(frames, state.steps)
    assert any(len(path) for path in together)
    for each, path in zip(frames, together, strict=True):
        (alone,) = greedy_attention([each], state.steps)
        assert alone.ids.tolist() == path.ids.tolist()
        assert alone.starts.tolist() == path.starts.tolist()
        np.testing.assert_allclose(alone.confidences, path.confidences, atol=1e-5)


def test_attention_is_a_distribution_over_the_frames_there_are():
    head = make_head()
    state = head.outputs(encoded_frames(), LENGTHS)
    at = state.steps.begin(rows(state))
    total = np.zeros((3, 6))
    for tokens in ([0, 0, 0], [1, 2, 1], [2, 2, 2]):
        _, looked, at = state.steps.step(at, np.array(tokens))
        np.testing.assert_allclose(looked.sum(1), 1, atol=1e-6)
        assert (looked[np.arange(6) >= LENGTHS.numpy()[:, None]] == 0).all()
        total += looked
        np.testing.assert_allclose(at.looked[:, 1].numpy(), total, atol=1e-6)


def test_where_it_looked_moves_where_it_looks():
    """Energies that come from the location filter alone: shifted by one to the left, the next look is one frame further."""
    head = make_head(filters=1, hidden=4, attention=1)
    with torch.no_grad():
        for parameter in (head.keys.weight, head.keys.bias, head.query.weight, head.locations[0].weight):
            parameter.zero_()
        head.locations[0].weight[0, 0, 0] = 1.0
        head.locations[1].weight.fill_(1.0)
        head.energy.weight.fill_(500.0)
    at = head.begin(torch.randn(1, 6, 4), torch.tensor([6]))
    at.looked[0, 0, 1] = 1.0
    for place in (2, 3, 4, 5):
        _, at = head.step(at, torch.zeros(1, 5))
        assert int(at.looked[0, 0].argmax()) == place


def test_padding_and_targets_beyond_their_length_are_never_read():
    head = make_head()
    encoded = encoded_frames()
    expected = head.loss(encoded, LENGTHS, TARGETS, SIZES)
    noisy = torch.where((torch.arange(6) < LENGTHS[:, None])[..., None], encoded, 1e3)
    beyond = torch.where(torch.arange(3) < SIZES[:, None], TARGETS, 99)
    torch.testing.assert_close(head.loss(noisy, LENGTHS, beyond, SIZES), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_gradients_are_those_of_differences(changes):
    head = make_head(**changes).double()
    encoded = encoded_frames().double()[:2, :4].requires_grad_()
    lengths, targets, sizes = LENGTHS[:2].clamp(max=4), TARGETS[:2], SIZES[:2]
    parameters = [encoded, *(p for p in head.parameters() if p.requires_grad)]

    def loss(*_):
        return head.loss(encoded, lengths, targets, sizes)

    assert torch.autograd.gradcheck(loss, parameters, fast_mode=True)


def test_every_parameter_learns():
    head = make_head(layers=2, ctc_weight=0.3).train()
    head.loss(encoded_frames(), LENGTHS, TARGETS, torch.tensor([2, 0, 2])).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.parameters())


def test_a_loss_of_ctc_is_added_by_its_weight():
    head, plain = make_head(ctc_weight=0.3), make_head()
    plain.load_state_dict(head.state_dict(), strict=False)
    sizes = torch.tensor([2, 0, 2])
    beside = head.ctc.loss(encoded_frames(), LENGTHS, TARGETS, sizes)
    assert isinstance(head.ctc, CtcHead)
    expected = plain.loss(encoded_frames(), LENGTHS, TARGETS, sizes) + 0.3 * beside
    torch.testing.assert_close(head.loss(encoded_frames(), LENGTHS, TARGETS, sizes), expected)
    state = head.outputs(encoded_frames(), LENGTHS)
    torch.testing.assert_close(torch.from_numpy(state.steps.ctc(state.frames[0].detach().numpy())).exp().sum(-1), torch.ones(6))


def test_smoothing_wants_a_share_of_all_tokens_alike_while_training():
    """With a silent output layer every token has probability 1/3, so nothing is to be smoothed; a sure one costs more."""
    head = make_head(smoothing=0.3, dropout=0.0)
    with torch.no_grad():
        head.output.weight.zero_()
        head.output.bias.copy_(torch.tensor([0.0, 5.0, 0.0]))
    one = torch.tensor([[1]]), torch.tensor([1])
    plain = head.loss(encoded_frames()[:1], LENGTHS[:1], *one)
    log_probs = torch.tensor([0.0, 5.0, 0.0]).log_softmax(-1)
    assert plain.tolist() == pytest.approx([float(-log_probs[1] - log_probs[0])])
    smoothed = head.train().loss(encoded_frames()[:1], LENGTHS[:1], *one)
    assert smoothed.tolist() == pytest.approx([float(0.7 * plain.tolist()[0] - 2 * 0.3 * log_probs.mean())])
    with torch.no_grad():
        head.output.bias.zero_()
    assert head.loss(encoded_frames()[:1], LENGTHS[:1], *one).tolist() == pytest.approx([2 * math.log(3)])


@pytest.mark.parametrize("bad", [-1, 0, 3, 99])
def test_targets_out_of_range_are_refused(bad):
    with pytest.raises(DataError, match="outside 1…2"):
        make_head().loss(torch.randn(1, 4, 4), torch.tensor([4]), torch.tensor([[1, bad]]), torch.tensor([2]))


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "lstn"}, {"layers": 0}, {"attention": 0}, {"dropout": 1.0}, {"ctc_weight": -1.0}, {"unit": "words"},
        {"width": 4}, {"filters": -1}, {"smoothing": 1.0},
    ],
)  # fmt: skip
def test_impossible_heads_are_refused(changes):
    with pytest.raises(UsageError, match=f"head.{next(iter(changes))}"):
        AttentionOptions(**changes)
