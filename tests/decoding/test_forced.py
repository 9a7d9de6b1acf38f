"""A text laid over posteriors: planted words are found where they lie, the pronunciation that was spoken is chosen."""

import numpy as np
import pytest

from speechrnn.decoding.forced import MISMATCH, lay
from speechrnn.decoding.viterbi import align
from speechrnn.errors import DataError
from speechrnn.text.tokenizer import Tokenizer

CHARS = Tokenizer(("<blank>", "<space>", "a", "b", "c"), "chars")
LETTERS = Tokenizer(("<blank>", "a", "b", "c", "ch"), "letters")
PHONES = Tokenizer(
    ("<blank>", "ah", "d", "iy", "dh"), "phones", {"the": [("dh", "ah"), ("dh", "iy")], "a": [("ah",), ("iy",)], "d": [("d",)]}
)


def spoken(tokens: list[int], size: int, sure: float = 0.9) -> np.ndarray:
    """Log posteriors of frames that say one token each, with the rest of the mass spread evenly."""
    x = np.full((len(tokens), size), (1 - sure) / (size - 1), np.float32)
    x[np.arange(len(tokens)), tokens] = sure
    return np.log(x)


def test_words_and_tokens_lie_where_they_were_said():
    found = lay(spoken([0, 2, 2, 3, 0, 1, 0, 4, 0], 5), "ab c", CHARS)
    assert found.words == (("ab", 0, 2), ("c", 3, 4))
    assert found.path.ids.tolist() == [2, 3, 1, 4]
    assert list(zip(found.path.starts.tolist(), found.path.ends.tolist(), strict=True)) == [(1, 3), (3, 4), (5, 6), (7, 8)]
    assert found.score == 0.0


def test_letters_have_no_boundary_and_are_read_word_by_word():
    found = lay(spoken([0, 3, 0, 4, 0], 5), "c ch", LETTERS)
    assert found.words == (("c", 0, 1), ("ch", 1, 2))


@pytest.mark.parametrize(("said", "pronounced"), [([4, 0, 1, 2], [4, 1, 2]), ([4, 0, 3, 2], [4, 3, 2])])
def test_the_pronunciation_that_was_said_is_chosen(said, pronounced):
    assert lay(spoken(said, 5), "the d", PHONES).path.ids.tolist() == pronounced


def test_the_choice_of_pronunciations_is_that_of_trying_all():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(50):
        truth = [4, int(rng.choice([1, 3])), 2, int(rng.choice([1, 3])), 2, 4, int(rng.choice([1, 3]))]
        frames = [token for one in truth for token in [one, 0, 0]]
        log_probs = spoken(frames, 5, 0.6) + rng.normal(0, 0.3, (len(frames), 5)).astype(np.float32)
        log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
        every = [[4, x, 2, y, 2, 4, z] for x in (1, 3) for y in (1, 3) for z in (1, 3)]
        best = max(every, key=lambda ids: align(log_probs, ids)[1])
        hits += lay(log_probs, "the d a d the", PHONES).path.ids.tolist() == best
    assert hits >= 48


def test_another_text_scores_below_the_limit():
    log_probs = spoken([2, 3, 4, 0, 2, 3, 0, 4], 5, 0.99)
    assert lay(log_probs, "abcabc", CHARS).score > MISMATCH
    assert lay(log_probs, "cbacba", CHARS).score < MISMATCH


def test_the_score_is_the_log_odds_a_token():
    rng = np.random.default_rng(1)
    log_probs = rng.normal(0, 1, (9, 5)).astype(np.float32)
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    found = lay(log_probs, "ab", CHARS)
    total = align(log_probs, [2, 3])[1]
    assert found.score == pytest.approx((total - log_probs.max(1).sum()) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "tokenizer", "message"),
    [
        ("", CHARS, "empty"),
        ("abx", CHARS, "'x'"),
        ("unheard", PHONES, "'unheard' has no pronunciation"),
        ("the cat d cat dog", PHONES, "'cat' has no pronunciation; 2 words in all: cat, dog"),
        ("abababab", CHARS, "8 tokens of text do not fit into 4 frames"),
    ],
)
def test_what_cannot_be_laid_is_said(text, tokenizer, message):
    with pytest.raises(DataError, match=message):
        lay(spoken([0, 1, 2, 0], 5), text, tokenizer)


def test_pronunciations_that_only_fit_one_by_one_are_left_as_they_were():
    tokenizer = Tokenizer(("<blank>", "a", "b", "c"), "phones", {"x": [("a",)], "y": [("b",), ("a", "c")]})
    found = lay(spoken([1, 1, 3], 4, 0.9), "x y", tokenizer)
    assert found.path.ids.tolist() == [1, 2]
    assert found.words == (("x", 0, 1), ("y", 1, 2))


def test_tokens_may_be_placed_by_other_posteriors_than_they_are_judged_by():
    heard, elsewhere = spoken([2, 0, 0, 0], 5, 0.99), spoken([0, 0, 0, 2], 5, 0.99)
    found = lay(heard, "a", CHARS, elsewhere)
    assert (int(found.path.starts[0]), int(found.path.ends[0])) == (3, 4)
    assert found.path.confidences[0] == pytest.approx(0.99)
    assert found.score == 0.0


def test_boundaries_at_the_edges_that_are_heard_cost_the_text_nothing():
    log_probs = spoken([1, 2, 3, 1, 1, 0, 1, 4, 1], 5, 0.99)
    assert lay(log_probs, "ab c", CHARS).score == 0.0
