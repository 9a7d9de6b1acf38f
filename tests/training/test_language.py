"""Training of language models: all tokens once an epoch, a planted grammar learned to its entropy, the same every time."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from speechrnn.errors import UsageError
from speechrnn.models.language import LanguageNetwork, LanguageOptions
from speechrnn.models.streams import BEGIN
from speechrnn.training import language
from speechrnn.training.language import LanguageTraining, Progress, perplexity_of, plan, train_language

OPENERS, FILLERS, K = (3, 4, 5), (6, 7), 11
"""A sentence: an opener, four fillers, and what closes that opener (8, 9, 10): nothing but memory foretells it."""
ENTROPY = (math.log(3) + 4 * math.log(2)) / 7
"""Nats a token of it, the end included."""


def grammar(number: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    openers = rng.permutation(np.arange(number) % 3)
    return [np.array([OPENERS[o], *rng.choice(FILLERS, 4), 8 + o]) for o in openers]


def train(options: LanguageTraining, sentences: list[np.ndarray], dev: list[np.ndarray], **network) -> tuple[LanguageNetwork, list]:
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    made = LanguageNetwork(LanguageOptions(**{"hidden": 24, "embedding": 12, "dropout": 0.0, **network}), K)
    kept: list = []
    train_language(made, sentences, dev, options, lambda weights, progress: kept.append((progress.epoch, weights)))
    return made, kept


@pytest.mark.parametrize("joined", [False, True])
def test_an_epoch_holds_every_sentence_once_and_is_a_pure_function(joined: bool) -> None:
    rng = np.random.default_rng(0)
    sentences = [rng.integers(3, K, length) for length in rng.integers(1, 30, 97)]
    options = LanguageTraining(batch=8, joined=joined)

    def read(epoch: int, seed: int = 1) -> list[list[int]]:
        found = plan(sentences, LanguageTraining(batch=8, joined=joined, seed=seed), epoch)
        return [stream.inputs.tolist() for batch in found for stream in batch]

    found = [token for stream in read(1) for token in stream]
    parts = Counter(tuple(part) for stream in read(1) for part in _sentences(stream))
    assert parts == Counter(tuple(sentence.tolist()) for sentence in sentences)
    assert len(found) == sum(len(sentence) + 1 for sentence in sentences)
    assert read(1) == read(1)
    assert read(1) != read(2)
    assert read(1) != read(1, seed=2)
    sizes = [[len(stream) for stream in batch] for batch in plan(sentences, options, 1)]
    if joined:
        assert len(sizes) == 1
        assert len(sizes[0]) == 8
        assert max(sizes[0]) - min(sizes[0]) <= 2 * 30
    else:
        assert sum(max(batch) * len(batch) for batch in sizes) < 1.2 * len(found), "similar lengths come together"


def _sentences(stream: list[int]) -> list[list[int]]:
    begins = [place for place, token in enumerate(stream) if token == BEGIN]
    return [stream[begin + 1 : end] for begin, end in zip(begins, [*begins[1:], len(stream)], strict=True)]


def test_fewer_sentences_than_streams_are_streams_of_their_own() -> None:
    (batch,) = plan([np.array([3, 4]), np.array([5])], LanguageTraining(batch=8, joined=True), 1)
    assert sorted(len(stream) for stream in batch) == [2, 3]


@pytest.mark.parametrize(("joined", "bptt"), [(False, 35), (True, 35), (False, 4)])
def test_a_planted_grammar_is_learned_to_its_entropy(joined: bool, bptt: int) -> None:
    options = LanguageTraining(bptt=bptt, batch=2 if joined else 16, epochs=20 if joined else 12, learning_rate=1e-2, joined=joined)
    made, kept = train(options, grammar(600, 1), grammar(300, 2))
    made.load_state_dict(kept[-1][1])
    found = math.log(perplexity_of(made, grammar(300, 3)))
    if bptt == 35:
        # Joined sentences hardly ever begin with the zero state that scoring begins with.
        assert ENTROPY - 0.01 < found < ENTROPY + (0.04 if joined else 0.02)
    else:
        # Gradients that do not reach the opener cannot teach what closes it: worse by a choice among three each sentence, at most.
        assert ENTROPY - 0.01 < found < ENTROPY + math.log(3) / 7 + 0.02


def test_the_same_every_time_and_another_seed_another_model() -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        return train(LanguageTraining(epochs=2, seed=seed), grammar(60, 1), grammar(20, 2), dropout=0.3)[1][-1][1]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.fixture
def dev_perplexities(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(*values: float) -> None:
        found = iter(values)
        monkeypatch.setattr(language, "perplexity_of", lambda network, sentences: next(found))

    return give


def test_the_best_is_kept_the_rate_is_halved_and_the_end_comes_early(dev_perplexities, caplog) -> None:
    dev_perplexities(9, 5, 6, 4.999, 4, 7, 7, 7, 7, 1)
    caplog.set_level(logging.INFO, "speechrnn")
    _, kept = train(LanguageTraining(epochs=30, learning_rate=0.08), grammar(30, 1), grammar(9, 2))
    assert [epoch for epoch, _ in kept] == [1, 2, 4, 5], "also what is hardly better"
    rates = [record.args[3] for record in caplog.records]
    assert rates == pytest.approx([0.08, 0.08, 0.08, 0.04, 0.02, 0.02, 0.01, 0.005, 0.0025])
    assert not torch.equal(kept[-1][1]["bias"], kept[0][1]["bias"]), "copies, not the weights that go on changing"


def test_progress_is_kept_up_to_date_for_whoever_stops_it(dev_perplexities) -> None:
    dev_perplexities(9, 5, 6)
    progress, shown = Progress(), []

    def track(items, description, total=None):
        shown.append((description, total))
        if len(shown) == 4:
            raise KeyboardInterrupt
        numbers = iter(range(total))
        yield from (item for item, _ in zip(items, numbers, strict=False))
        assert next(numbers, None) is None

    made = LanguageNetwork(LanguageOptions(hidden=4, embedding=4), K)
    with pytest.raises(KeyboardInterrupt):
        train_language(made, grammar(30, 1), grammar(9, 2), LanguageTraining(bptt=3), lambda *_: None, progress, track)
    assert (progress.epoch, progress.best_epoch, progress.perplexity) == (3, 2, 5)
    assert [description for description, _ in shown] == [f"epoch {epoch}" for epoch in (1, 2, 3, 4)]


@pytest.mark.parametrize("wrong", [{"bptt": 0}, {"batch": 0}, {"epochs": 0}, {"learning_rate": 0.0}, {"clip": math.inf}], ids=str)
def test_impossible_options_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)).replace("_", " ")):
        LanguageTraining(**wrong)


def test_lightning_is_not_imported(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = "import sys, speechrnn.training.language; assert 'pytorch_lightning' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
