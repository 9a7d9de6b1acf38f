"""The network's probabilities are a distribution over sentences; chunks equal the whole, in losses and in gradients."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from speechrnn.errors import UsageError
from speechrnn.models.cells.registry import CELLS
from speechrnn.models.language import SCORED_CHUNK, LanguageNetwork, LanguageOptions, read_streams, score
from speechrnn.models.streams import BEGIN, END, Stream

K = 9


def network(cell: str = "lstm", **more) -> LanguageNetwork:
    torch.manual_seed(3)
    options = LanguageOptions(cell, **{"layers": 2, "hidden": 7, "embedding": 5, "dropout": 0.0, **more})
    made = LanguageNetwork(options, K)
    with torch.no_grad():
        # Far enough from uniform that a mistake shows.
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def sentences(*lengths: int, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(3, K, length) for length in lengths]


def losses(made: LanguageNetwork, streams: list[Stream], length: int) -> torch.Tensor:
    return sum(-log_probs.sum() for _, log_probs in read_streams(made, streams, length))


def loss_token_by_token(made: LanguageNetwork, streams: list[Stream]) -> torch.Tensor:
    """The twin: every stream alone, a token a call, nothing cut off."""
    total = torch.zeros(())
    for stream in streams:
        states = None
        for given, expected in zip(stream.inputs, stream.targets, strict=True):
            log_probs, states = made(torch.tensor([[given]]), states)
            total = total - log_probs[0, 0, expected]
    return total


JOINED = [Stream.of(*sentences(4, 9, 2)), Stream.of(*sentences(6, 6, seed=2)), Stream.of(*sentences(3, seed=4))]


@pytest.mark.parametrize("length", [1, 4, 5, 17, 100])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_carried_state_makes_chunks_equal_the_whole_in_value(cell: str, length: int) -> None:
    made = network(cell)
    assert losses(made, JOINED, length).item() == pytest.approx(loss_token_by_token(made, JOINED).item(), rel=1e-5)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_chunks_as_long_as_the_streams_give_the_gradient_of_full_backpropagation(cell: str) -> None:
    made = network(cell).double()
    gradients = []
    for loss in (losses(made, JOINED, max(map(len, JOINED))), loss_token_by_token(made, JOINED), losses(made, JOINED, 3)):
        made.zero_grad()
        loss.backward()
        gradients.append({name: parameter.grad.clone() for name, parameter in made.named_parameters()})
    whole, expected, cut = gradients
    for name, gradient in expected.items():
        torch.testing.assert_close(whole[name], gradient, rtol=1e-4, atol=1e-5)
    farthest = max(float((cut[name] - gradient).abs().max()) for name, gradient in expected.items())
    # What remembers nothing has nothing to cut.
    assert farthest > 1e-3 or cell == "feedforward", "truncated means truncated"


@pytest.mark.parametrize("tie", [False, True])
def test_probabilities_of_all_sentences_and_of_all_longer_ones_sum_to_one(tie: bool) -> None:
    made = network(hidden=5, embedding=5, tie=tie).eval()
    tokens = [0, *range(3, K)]
    longest = 3
    every = [np.array(one, np.int64) for n in range(longest + 1) for one in itertools.product(tokens, repeat=n)]
    scores = score(made, every)
    ended = sum(math.exp(found.sum()) for found in scores)
    going_on = sum(math.exp(found[:-1].sum()) - math.exp(found.sum()) for found in scores if len(found) == longest + 1)
    assert 0.01 < ended < 1
    assert ended + going_on == pytest.approx(1, abs=1e-5)


def test_a_score_is_the_product_of_the_distributions_step_by_step() -> None:
    made = network().eval()
    (sentence,) = sentences(11)
    (found,) = score(made, [sentence])
    states, given = None, BEGIN
    for place, expected in enumerate([*sentence.tolist(), END]):
        log_probs, states = made(torch.tensor([[given]]), states)
        distribution = log_probs[0, 0].exp()
        assert distribution.sum().item() == pytest.approx(1, abs=1e-5)
        assert distribution[BEGIN] == 0
        assert found[place] == pytest.approx(math.log(distribution[expected].item()), abs=1e-5)
        given = expected


def test_a_sentence_alone_equals_itself_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network().eval()
    several = sentences(5, 0, 3 * SCORED_CHUNK + 1, 1, SCORED_CHUNK, SCORED_CHUNK - 1, 40)
    together = score(made, several)
    assert [found.shape for found in together] == [(len(sentence) + 1,) for sentence in several]
    for sentence, found in zip(several, together, strict=True):
        np.testing.assert_allclose(score(made, [sentence])[0], found, atol=1e-5)
    monkeypatch.setattr("speechrnn.models.language.SCORED", 2 * SCORED_CHUNK * K)
    for again, found in zip(score(made, several), together, strict=True):
        np.testing.assert_allclose(again, found, atol=1e-5)
    assert score(made, []) == []


def test_dropout_changes_training_alone() -> None:
    made = network(dropout=0.5)
    assert losses(made, JOINED, 50).item() != losses(made, JOINED, 50).item()
    made.eval()
    assert losses(made, JOINED, 50).item() == losses(made, JOINED, 50).item()


def test_tied_weights_are_one_and_need_one_size() -> None:
    assert [name for name, _ in network(tie=True, hidden=5).named_parameters() if "output" in name] == []
    with pytest.raises(UsageError, match="embedding has 5 dimensions and the last layer 7 outputs"):
        network(tie=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"cell": "lsmt"}, "lsmt"), ({"layers": 0}, "layers is 0"), ({"hidden": 0}, "hidden"), ({"dropout": 1.0}, "dropout is 1")],
)
def test_impossible_options_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LanguageOptions(**wrong)
