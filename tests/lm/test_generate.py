"""Sentences are drawn as the model foretells them, the same ones by the same seed."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from speechrnn.errors import UsageError
from speechrnn.lm.generate import GenerateOptions, NgramSteps, generate
from speechrnn.lm.ngram import NgramModel


@pytest.fixture
def model(tiny: Path) -> NgramModel:
    return NgramModel.read_arpa(tiny)


def shares(model: NgramModel, history: tuple[str, ...], temperature: float = 1.0, top_k: int = 5) -> dict[str, float]:
    """What follows a history, worked out word by word."""
    state = model.start_state()
    for word in history:
        state = model.advance(state, model.word_id(word))[1]
    weights = {
        word: math.exp(model.advance(state, model.word_id(word))[0] / temperature)
        for word in model.vocabulary
        if word not in ("<s>", "<unk>")
    }
    kept = dict(sorted(weights.items(), key=lambda item: -item[1])[:top_k])
    return {word: weight / sum(kept.values()) for word, weight in kept.items()}


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.5, 0), (2.0, 2)])
def test_the_next_token_comes_as_often_as_it_is_foretold(model: NgramModel, temperature: float, top_k: int) -> None:
    number = 4000
    options = GenerateOptions(temperature, top_k, max_length=2)
    drawn = generate(NgramSteps(model), number, options, ["a"])
    found = Counter(one.tokens[1] if len(one.tokens) > 1 else "</s>" for one in drawn)
    expected = shares(model, ("a",), temperature, top_k or 5)
    assert set(found) == set(expected)
    for word, share in expected.items():
        assert found[word] / number == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / number))


def test_no_sentence_depends_on_how_many_are_drawn(model: NgramModel) -> None:
    many = generate(NgramSteps(model), 20, GenerateOptions(1.0))
    assert generate(NgramSteps(model), 7, GenerateOptions(1.0)) == many[:7]
    assert generate(NgramSteps(model), 20, GenerateOptions(1.0, seed=2)) != many
    assert len({one.tokens for one in many}) > 5
    assert not {"<unk>", "<s>", "</s>"} & {token for one in many for token in one.tokens}


def test_without_warmth_the_likeliest_token_comes(model: NgramModel) -> None:
    history: tuple[str, ...] = ("b",)
    (drawn,) = generate(NgramSteps(model), 1, GenerateOptions(0.0, max_length=12), history)
    while len(history) < 12:
        likeliest = max(shares(model, history).items(), key=lambda item: item[1])[0]
        if likeliest == "</s>":
            break
        history = (*history, likeliest)
    assert drawn.tokens == history
    cold = generate(NgramSteps(model), 5, GenerateOptions(1e-6, max_length=12), ["b"])
    assert cold == [drawn] * 5
    assert generate(NgramSteps(model), 3, GenerateOptions(5.0, top_k=1, max_length=12), ["b"]) == [drawn] * 3


def test_what_does_not_end_is_cut_and_said_to_be(model: NgramModel) -> None:
    drawn = generate(NgramSteps(model), 50, GenerateOptions(1.0, max_length=3), ["a"])
    assert {len(one.tokens) for one in drawn} <= {1, 2, 3}
    for one in drawn:
        assert one.complete or len(one.tokens) == 3
    assert {one.complete for one in drawn} == {True, False}
    assert [one.tokens for one in generate(NgramSteps(model), 1, GenerateOptions(max_length=2), ["a", "b", "a"])] == [
        ("a", "b", "a")
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -1.0}, "temperature is -1"),
        ({"temperature": np.nan}, "nan"),
        ({"top_k": -1}, "top k"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_options_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        GenerateOptions(**wrong)


def test_unknown_tokens_and_no_sentences_are_refused(model: NgramModel) -> None:
    with pytest.raises(UsageError, match="does not know the token 'x'"):
        generate(NgramSteps(model), 1, start=["x"])
    with pytest.raises(UsageError, match="does not know the token '</s>'"):
        generate(NgramSteps(model), 1, start=["</s>"])
    with pytest.raises(UsageError, match="0 sentences"):
        generate(NgramSteps(model), 0)
