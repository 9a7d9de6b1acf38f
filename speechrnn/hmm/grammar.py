"""Which tokens may follow which: an acceptor over words (or phones, letters) with backoff, from a text or an n-gram model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Pronunciation = tuple[tuple[int, ...], float]
"""Phones, and the log probability of this way to say the token."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """An acceptor over tokens.

    Attributes:
        start: first state.
        arcs: state -> token, next state, log probability.
        finals: state -> log probability that a sentence ends there.
        backoff: state -> a state with a shorter history, and the log weight of falling back on it.
        pronunciations: token -> its ways to be said.
        words: whether tokens are words, so that a phone's place in them matters.
        pauses: states in which a silence may be, and the states that are gone on from after it; ``None``: all, each from itself.
    """

    start: int
    arcs: Mapping[int, Sequence[tuple[int, int, float]]] = field(repr=False)
    finals: Mapping[int, float] = field(repr=False)
    pronunciations: Mapping[int, Sequence[Pronunciation]] = field(repr=False)
    backoff: Mapping[int, tuple[int, float]] = field(default_factory=dict, repr=False)
    words: bool = True
    pauses: Mapping[int, int] | None = field(default=None, repr=False)


def linear(
    tokens: Sequence[int],
    pronunciations: Mapping[int, Sequence[Pronunciation]],
    words: bool = True,
    pauses: Iterable[int] | None = None,
) -> Grammar:
    """Just these tokens, in this order; ``pauses``: after how many of them a silence may be, by default after any number."""
    arcs = {i: [(token, i + 1, 0.0)] for i, token in enumerate(tokens)}
    allowed = None if pauses is None else {state: state for state in pauses}
    return Grammar(0, arcs, {len(tokens): 0.0}, pronunciations, words=words, pauses=allowed)


def from_arpa(
    path: Path, tokens: Mapping[str, int], pronunciations: Mapping[int, Sequence[Pronunciation]], words: bool = True
) -> Grammar:
    """An n-gram model's sentences, as far as they are made of ``tokens``.

    A state is a history. Tokens that the model does not list have no arc: what it gives to unknown words is left aside. Letters and
    phones may have pauses anywhere; after one only the last is remembered, or every history would need a silence of its own.
    """
    from speechrnn.lm.arpa import read
    from speechrnn.lm.symbols import BEGIN, END

    model = read(path)
    token_of = np.array([tokens.get(word, -1) for word in model.vocabulary], np.int64)
    begin, end = model.vocabulary.index(BEGIN), model.vocabulary.index(END)
    histories: dict[tuple[int, ...], int] = {(): 0}
    backoff: dict[int, tuple[int, float]] = {}
    for level in model.levels[:-1]:
        for ngram in level.words.tolist():
            if ngram[-1] != end and all(token_of[word] >= 0 or word == begin for word in ngram):
                histories[tuple(ngram)] = len(histories)
    for level in model.levels[:-1]:
        for ngram, weight in zip(level.words.tolist(), level.backoffs.tolist(), strict=True):
            if (state := histories.get(tuple(ngram))) is not None:
                backoff[state] = (_longest(ngram[1:], histories), weight)
    arcs: dict[int, list[tuple[int, int, float]]] = {}
    finals: dict[int, float] = {}
    for level in model.levels:
        for ngram, log_prob in zip(level.words.tolist(), level.log_probs.tolist(), strict=True):
            source = histories.get(tuple(ngram[:-1]))
            last = ngram[-1]
            if source is None or last == begin:
                continue
            if last == end:
                finals[source] = log_prob
            elif token_of[last] >= 0:
                arcs.setdefault(source, []).append((int(token_of[last]), _longest(ngram, histories), log_prob))
    start = histories.get((begin,), 0)
    pauses = None if words else {state: _longest(ngram[-1:], histories) for ngram, state in histories.items()}
    return Grammar(start, arcs, finals, pronunciations, backoff, words, pauses)


def _longest(ngram: Sequence[int], histories: Mapping[tuple[int, ...], int]) -> int:
    """The state of the longest ending that is a history."""
    rest = tuple(ngram)
    while rest not in histories:
        rest = rest[1:]
    return histories[rest]


def first_phones(grammar: Grammar) -> dict[int, tuple[int, ...]]:
    """For each state the phones its own tokens may begin with."""
    return {
        state: tuple(sorted({phones[0] for token, _, _ in arcs for phones, _ in grammar.pronunciations[token]}))
        for state, arcs in grammar.arcs.items()
    }


def beginning_with(grammar: Grammar) -> dict[int, set[int]]:
    """For each phone the tokens that may begin with it."""
    found: dict[int, set[int]] = {}
    for token in {token for arcs in grammar.arcs.values() for token, _, _ in arcs}:
        for phones, _ in grammar.pronunciations[token]:
            found.setdefault(phones[0], set()).add(token)
    return found
