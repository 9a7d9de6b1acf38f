"""Boundaries of two alignments: planted shifts come back, pauses and foreign labels stay out."""

import numpy as np
import pytest

from speechrnn.records import Word
from speechrnn.scoring.boundaries import distance, pair


def spans(text, starts, length=0.1):
    return [Word(label, start, start + length, 1.0) for label, start in zip(text.split(), starts, strict=True)]


def test_a_planted_delay_is_the_offset_and_nothing_is_left_without_it():
    rng = np.random.default_rng(0)
    a = [spans("p a t a", np.sort(rng.uniform(0, 3, 4))) for _ in range(20)]
    b = [[Word(s.text.upper(), s.start + 0.03, s.end + 0.03, 0.5) for s in one] for one in a]
    paired = pair(a, b)
    assert (paired.only_a, paired.only_b, len(paired.starts)) == (0, 0, 80)
    found = distance(np.concatenate([paired.starts, paired.ends]), np.tile(paired.utterance, 2))
    assert found.count == 160
    assert found.offset == pytest.approx(30)
    assert found.median == pytest.approx(30)
    assert (found.low, found.high) == (pytest.approx(30), pytest.approx(30))
    assert found.centered == pytest.approx(0, abs=1e-9)
    assert found.within == (0, 0, 100)


def test_pauses_are_passed_over_and_only_equal_labels_are_paired():
    a = [spans("SIL k a SIL t u", [0, 1, 2, 3, 4, 5])]
    b = [spans("k a sp d u x", [1.01, 2.01, 3, 4, 5.01, 6])]
    paired = pair(a, b)
    np.testing.assert_allclose(paired.starts, 0.01)
    assert (len(paired.starts), paired.only_a, paired.only_b) == (3, 1, 2)


def test_nfd_labels_meet_nfc_labels():
    assert pair([spans("á", [0])], [spans("a\u0301", [0])]).only_a == 0


def test_a_limit_counts_as_within():
    assert distance(np.array([0.02, 0.0201]), np.array([0, 1])).within == (0, 50, 100)


def test_the_interval_holds_the_median_and_widens_with_fewer_utterances():
    rng = np.random.default_rng(1)
    effect = rng.normal(0, 0.02, 400)
    many = distance(effect + rng.normal(0, 0.001, 400), np.arange(400))
    # The same boundaries in ten utterances whose boundaries share their error.
    few = distance(np.repeat(effect[:10], 40), np.repeat(np.arange(10), 40))
    assert many.low <= many.median <= many.high
    assert few.high - few.low > 2 * (many.high - many.low)


def test_the_resampled_median_agrees_with_numpys():
    size = np.random.default_rng(2).exponential(0.02, 301)
    found = distance(size, np.arange(301))
    draws = [np.median(np.random.default_rng(n).choice(size, 301)) for n in range(1000)]
    low, high = np.percentile(draws, [2.5, 97.5]) * 1000
    assert (found.low, found.high) == (pytest.approx(low, rel=0.05), pytest.approx(high, rel=0.05))
