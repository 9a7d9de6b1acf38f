"""Pieces: where they end, and that it does not matter how the posteriors arrive."""

from __future__ import annotations

import numpy as np
import pytest

from speechrnn.inference.pieces import LEAST_S, MOST_S, PAUSE_S, Cutter

SHIFT = 0.02
TOKENS = ("<blank>", "<space>", "a", "b")


def posteriors(best: np.ndarray) -> np.ndarray:
    """Log posteriors (T, K) whose best tokens are ``best``."""
    log_probs = np.full((len(best), len(TOKENS)), -5.0, np.float32)
    log_probs[np.arange(len(best)), best] = -0.1
    return log_probs


def speech(seconds: float, seed: int, longest_pause: float = 0.2) -> np.ndarray:
    """Tokens with pauses of at most ``longest_pause`` seconds."""
    generator = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds / SHIFT:
        parts += [generator.integers(2, 4, 3), np.zeros(generator.integers(1, round(longest_pause / SHIFT)), np.int64)]
    return np.concatenate(parts)[: round(seconds / SHIFT)]


@pytest.mark.parametrize("longest_pause", [0.2, 0.45, 2.0, 20.0])
def test_pieces_do_not_depend_on_the_parts_they_arrive_in(longest_pause):
    log_probs = posteriors(speech(400, 1, longest_pause))
    whole = list(Cutter(SHIFT, TOKENS).cut([log_probs]))
    np.testing.assert_array_equal(np.concatenate([piece.log_probs for piece in whole]), log_probs)
    assert [piece.start for piece in whole] == np.cumsum([0, *(len(piece.log_probs) for piece in whole[:-1])]).tolist()
    assert all(len(piece.log_probs) * SHIFT <= MOST_S for piece in whole)
    assert all(len(piece.log_probs) * SHIFT >= LEAST_S - PAUSE_S for piece in whole[:-1])
    generator = np.random.default_rng(2)
    for _ in range(5):
        parts = np.split(log_probs, np.sort(generator.integers(0, len(log_probs), 300)))
        found = list(Cutter(SHIFT, TOKENS).cut(parts))
        assert [(piece.start, len(piece.log_probs)) for piece in found] == [(piece.start, len(piece.log_probs)) for piece in whole]


def test_a_piece_ends_in_the_first_pause_after_half_a_minute():
    best = speech(50, 3)
    best[round(20 / SHIFT) : round(21 / SHIFT)] = 0
    best[round(40 / SHIFT) : round(41 / SHIFT)] = 0
    (first, second) = Cutter(SHIFT, TOKENS).cut([posteriors(best)])
    assert 40 < second.start * SHIFT < 41
    assert len(first.log_probs) == second.start


def test_without_a_pause_a_piece_ends_between_words():
    best = np.full(round(70 / SHIFT), 2)
    best[::2] = 3
    best[round(45 / SHIFT) : round(45.2 / SHIFT)] = 1
    _, second = Cutter(SHIFT, TOKENS).cut([posteriors(best)])
    assert 45 < second.start * SHIFT < 45.2


def test_a_recording_of_half_a_minute_is_one_piece_and_nothing_none():
    assert len(list(Cutter(SHIFT, TOKENS).cut([posteriors(np.zeros(round(29.9 / SHIFT), np.int64))]))) == 1
    assert list(Cutter(SHIFT, TOKENS).cut([])) == []
