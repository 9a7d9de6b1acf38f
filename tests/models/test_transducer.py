"""The transducer as a head: its loss and its steps tell the same, and an utterance's do not depend on its batch."""

import numpy as np
import pytest
import torch

from speechrnn.decoding.neural import beam_transducer, greedy_transducer
from speechrnn.errors import DataError, UsageError
from speechrnn.models.ctc import CtcHead
from speechrnn.models.transducer import TransducerHead, TransducerOptions

VOCABULARY = ("<blank>", "a", "b")
LENGTHS, SIZES = torch.tensor([6, 3, 5]), torch.tensor([2, 0, 3])
TARGETS = torch.tensor([[1, 2, 0], [0, 0, 0], [2, 2, 1]])


def make_head(**changes):
    torch.manual_seed(3)
    sizes = {"hidden": 7, "embedding": 5, "joint": 6}
    return TransducerHead(VOCABULARY, 4, TransducerOptions(**{**sizes, **changes})).eval()


def encoded_frames():
    frames = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(5))
    return frames * (torch.arange(6) < LENGTHS[:, None])[..., None]


VARIANTS = [{}, {"cell": "gru", "layers": 2}, {"cell": "lstm", "layers": 2}, {"cell": "lstm_projection"}, {"cell": "feedforward"}]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_a_search_gives_a_transcript_the_probability_that_the_loss_is_of(changes):
    head = make_head(**changes)
    # Three frames: the loss knows no bound of tokens a frame, and three in each are as many as there are.
    encoded, lengths = encoded_frames()[:, :3], LENGTHS.clamp(max=3)
    losses = head.loss(encoded, lengths, TARGETS, SIZES).tolist()
    state = head.outputs(encoded, lengths)
    for frames, target, size, loss in zip(state.frames.detach().numpy(), TARGETS.tolist(), SIZES.tolist(), losses, strict=True):
        every = beam_transducer(frames, state.steps, 10_000, nbest=10_000, most=3)
        found = {tuple(one.path.ids.tolist()): one.score for one in every}
        assert found[tuple(target[:size])] == pytest.approx(-loss, abs=1e-5)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_an_utterance_is_read_alike_in_any_batch(changes):
    head = make_head(**changes)
    with torch.no_grad():
        head.output.bias[0] += 0.5
    state = head.outputs(encoded_frames(), LENGTHS)
    frames = [row[:length].detach().numpy() for row, length in zip(state.frames, LENGTHS.tolist(), strict=True)]
    together = greedy_transducer(frames, state.steps)
    assert any(len(path) for path in together)
    for each, path in zip(frames, together, strict=True):
        (alone,) = greedy_transducer([each], state.steps)
        assert alone.ids.tolist() == path.ids.tolist()
        assert alone.starts.tolist() == path.starts.tolist()
        np.testing.assert_allclose(alone.confidences, path.confidences, atol=1e-5)


def test_targets_beyond_their_length_are_never_read():
    head = make_head()
    expected = head.loss(encoded_frames(), LENGTHS, TARGETS, SIZES)
    beyond = torch.where(torch.arange(3) < SIZES[:, None], TARGETS, 99)
    torch.testing.assert_close(head.loss(encoded_frames(), LENGTHS, beyond, SIZES), expected, rtol=0, atol=0)


def test_every_parameter_learns_and_the_blank_is_what_starts():
    head = make_head(layers=2)
    head.loss(encoded_frames(), LENGTHS, TARGETS, SIZES).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.parameters())
    assert head.prediction.embedding.weight.grad[0].abs().sum() > 0


def test_a_loss_of_ctc_is_added_by_its_weight():
    head = make_head(ctc_weight=0.3)
    torch.manual_seed(3)
    plain = make_head()
    plain.load_state_dict(head.state_dict(), strict=False)
    sizes = torch.tensor([2, 0, 2])
    expected = plain.loss(encoded_frames(), LENGTHS, TARGETS, sizes) + 0.3 * head.ctc.loss(
        encoded_frames(), LENGTHS, TARGETS, sizes
    )
    assert isinstance(head.ctc, CtcHead)
    torch.testing.assert_close(head.loss(encoded_frames(), LENGTHS, TARGETS, sizes), expected)


@pytest.mark.parametrize("bad", [-1, 0, 3, 99])
def test_targets_out_of_range_are_refused(bad):
    with pytest.raises(DataError, match="outside 1…2"):
        make_head().loss(torch.randn(1, 4, 4), torch.tensor([4]), torch.tensor([[1, bad]]), torch.tensor([2]))


@pytest.mark.parametrize(
    "changes", [{"cell": "lstn"}, {"layers": 0}, {"joint": 0}, {"dropout": 1.0}, {"ctc_weight": -1.0}, {"unit": "words"}]
)
def test_impossible_heads_are_refused(changes):
    with pytest.raises(UsageError, match=f"head.{next(iter(changes))}"):
        TransducerOptions(**changes)
