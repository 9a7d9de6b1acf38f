"""Greedy decoding against a plain loop, with times and confidences."""

import itertools

import numpy as np
import pytest

from speechrnn.decoding.greedy import blank_share, greedy, to_tokens, to_words
from speechrnn.records import Token, Word


def random_log_probs(rng, frames=40, tokens=4):
    logits = 3 * rng.standard_normal((frames, tokens))
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)


def twin(log_probs):
    found, t = [], 0
    for symbol, run in itertools.groupby(log_probs.argmax(-1).tolist()):
        length = len(list(run))
        if symbol:
            probabilities = [float(np.exp(log_probs[i, symbol])) for i in range(t, t + length)]
            found.append((symbol, t, t + length, max(probabilities)))
        t += length
    return found


def test_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    for frames in (1, 2, 7, 40, 200):
        log_probs = random_log_probs(rng, frames)
        path = greedy(log_probs)
        expected = twin(log_probs)
        assert [(int(i), int(s), int(e)) for i, s, e in zip(path.ids, path.starts, path.ends, strict=True)] == [
            row[:3] for row in expected
        ]
        np.testing.assert_allclose(path.confidences, [row[3] for row in expected], atol=1e-6)


def test_nothing_in_nothing_out():
    assert len(greedy(np.zeros((0, 3), np.float32))) == 0
    assert blank_share(np.zeros((0, 3), np.float32)) == 0.0


def test_repeats_merge_unless_a_blank_parts_them():
    sure = np.log(np.full((6, 3), 1e-6))
    for t, symbol in enumerate([1, 1, 0, 1, 2, 2]):
        sure[t, symbol] = 0.0
    assert greedy(sure).ids.tolist() == [1, 1, 2]
    assert blank_share(sure) == pytest.approx(1 / 6)


def test_times_and_words():
    sure = np.log(np.full((6, 4), 1e-6))
    for t, symbol in enumerate([2, 0, 3, 1, 0, 2]):
        sure[t, symbol] = 0.0
    early = to_tokens(greedy(sure), ("<blank>", "<space>", "a", "b"), 0.02, -0.03)
    assert all(0 <= token.start <= token.end for token in early), "nothing is heard before the recording"
    tokens = to_tokens(greedy(sure), ("<blank>", "<space>", "a", "b"), 0.02, 0.5)
    assert tokens[0] == Token("a", 0.5, 0.52, 1.0)
    assert to_words(tokens, (("ab", 0, 2), ("a", 3, 4))) == (Word("ab", 0.5, 0.56, 1.0), Word("a", 0.6, 0.62, 1.0))
