"""Sentences drawn from a language model, token by token: begin goes in, a sequence comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from speechrnn.errors import UsageError, nearest
from speechrnn.lm.ngram import NgramModel
from speechrnn.lm.symbols import BEGIN, END, RESERVED, UNKNOWN


class Steps(Protocol):
    """A language model step by step, N sentences side by side."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The K tokens by id."""

    def begin(self, number: int) -> tuple[np.ndarray, Any]:
        """Natural log probabilities (N, K) of the first token of N sentences, and their states."""

    def go_on(self, states: Any, ids: np.ndarray) -> tuple[np.ndarray, Any]:
        """The same of the token after ``ids`` (N,)."""


class NgramSteps:
    """An n-gram model step by step."""

    def __init__(self, model: NgramModel) -> None:
        self._model = model
        self.vocabulary = model.vocabulary

    def begin(self, number: int) -> tuple[np.ndarray, list[int]]:
        """See :class:`Steps`."""
        return self._foretold([self._model.start_state()] * number)

    def go_on(self, states: list[int], ids: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """See :class:`Steps`."""
        return self._foretold([self._model.advance(state, int(token))[1] for state, token in zip(states, ids, strict=True)])

    def _foretold(self, states: list[int]) -> tuple[np.ndarray, list[int]]:
        return np.stack([self._model.foretell(state) for state in states]), states


@dataclass(frozen=True)
class GenerateOptions:
    """How sentences are drawn."""

    temperature: float = 0.8
    """Log probabilities are divided by it: below 1 the likely becomes likelier; 0 takes the likeliest token."""
    top_k: int = 0
    """Only so many of the likeliest tokens are drawn from; 0: all."""
    max_length: int = 100
    """Tokens after which a sentence is cut."""
    seed: int = 1
    """A sentence depends on it and on its place among those drawn, not on how many these are."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < np.inf:
            raise UsageError(f"the temperature is {self.temperature}", "0 or more; 1 draws as the model foretells")
        for name, least in (("top_k", 0), ("max_length", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"the {name.replace('_', ' ')} is {getattr(self, name)}", f"at least {least}")


@dataclass(frozen=True, slots=True)
class Generated:
    """A drawn sentence.

    Attributes:
        tokens: those it was begun with first.
        complete: it came to its end; otherwise it was cut.
    """

    tokens: tuple[str, ...]
    complete: bool


def generate(
    model: Steps, number: int = 1, options: GenerateOptions = GenerateOptions(), start: Sequence[str] = ()
) -> list[Generated]:
    """Draw sentences from a model; ``<unk>`` is never drawn.

    Args:
        model: what foretells the next token.
        number: of sentences.
        options: see :class:`GenerateOptions`.
        start: tokens that each begins with; they count towards its length.

    Raises:
        UsageError: a token of ``start`` that the model does not know; none or fewer sentences.
    """
    if number < 1:
        raise UsageError(f"{number} sentences", "ask for 1 or more")
    ids = {token: index for index, token in enumerate(model.vocabulary) if token not in RESERVED}
    for token in start:
        if token not in ids:
            raise UsageError(f"the model does not know the token {token!r}", nearest(token, ids) if len(ids) < 1000 else "")
    end, never = (
        model.vocabulary.index(END),
        [model.vocabulary.index(name) for name in (UNKNOWN, BEGIN) if name in model.vocabulary],
    )
    draws = [np.random.default_rng([options.seed, index]) for index in range(number)]
    log_probs, states = model.begin(number)
    for token in start:
        log_probs, states = model.go_on(states, np.full(number, ids[token]))
    drawn: list[list[int]] = [[] for _ in range(number)]
    ended = np.zeros(number, bool)
    for _ in range(options.max_length - len(start)):
        log_probs = log_probs.copy()
        log_probs[:, never] = -np.inf
        chosen = np.array(
            [end if done else _draw(row, draw, options) for done, row, draw in zip(ended, log_probs, draws, strict=True)]
        )
        ended |= chosen == end
        for row in np.flatnonzero(~ended):
            drawn[row].append(int(chosen[row]))
        if ended.all():
            break
        log_probs, states = model.go_on(states, chosen)
    return [
        Generated((*start, *(model.vocabulary[token] for token in row)), bool(done)) for row, done in zip(drawn, ended, strict=True)
    ]


def _draw(log_probs: np.ndarray, random: np.random.Generator, options: GenerateOptions) -> int:
    """A token by log probabilities (K,)."""
    if options.temperature == 0:
        return int(log_probs.argmax())
    likeliest = np.argsort(-log_probs, kind="stable")[: options.top_k or None]
    likeliest = likeliest[np.isfinite(log_probs[likeliest])]
    scaled = (log_probs[likeliest] - log_probs[likeliest[0]]) / options.temperature
    shares = np.cumsum(np.exp(scaled))
    return int(likeliest[np.searchsorted(shares[:-1], random.random() * shares[-1], side="right")])
