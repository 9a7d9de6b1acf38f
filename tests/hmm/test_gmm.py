"""Mixtures: likelihoods, estimation, growth."""

from __future__ import annotations

import numpy as np
import pytest
from planted import random_gmm
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from speechrnn.hmm.gmm import Gmm, Statistics, averaged, estimate, grow, sizes_for


def by_scipy(gmm: Gmm, frames: np.ndarray) -> np.ndarray:
    """Log likelihoods (T, S), a Gaussian at a time."""
    each = np.stack(
        [
            np.log(w) + np.atleast_1d(multivariate_normal.logpdf(frames, mean, np.diag(var)))
            for w, mean, var in zip(gmm.weights, gmm.means, gmm.variances, strict=True)
        ],
        1,
    )
    return np.stack([logsumexp(each[:, a:b], axis=1) for a, b in zip(gmm.first, gmm.first[1:], strict=False)], 1)


@pytest.mark.parametrize("seed", range(3))
def test_likelihoods_equal_scipys(seed: int) -> None:
    gmm = random_gmm(7, 5, seed)
    frames = np.random.default_rng(seed).normal(0, 3, (40, 5))
    np.testing.assert_allclose(gmm.score(frames), by_scipy(gmm, frames), atol=2e-4, rtol=1e-5)


def test_sums_equal_those_of_dense_posteriors_and_return_the_likelihood() -> None:
    gmm = random_gmm(4, 3, 1)
    rng = np.random.default_rng(1)
    frames, states = rng.normal(0, 3, (200, 3)), rng.integers(0, 4, 200)
    sums = Statistics.empty(len(gmm.means), 3)
    sums.add(gmm, frames, states)
    assert sums.log_likelihood == pytest.approx(by_scipy(gmm, frames)[np.arange(200), states].sum(), rel=1e-9)
    counts = np.zeros(len(gmm.means))
    for frame, state in zip(frames, states, strict=True):
        own = range(gmm.first[state], gmm.first[state + 1])
        odds = [gmm.weights[g] * multivariate_normal.pdf(frame, gmm.means[g], np.diag(gmm.variances[g])) for g in own]
        counts[list(own)] += np.array(odds) / np.sum(odds)
    # Shares below 1e-4 are passed over.
    np.testing.assert_allclose(sums.counts, counts, atol=200 * 1e-4)
    assert sums.frames == 200


def test_sums_of_many_frames_equal_scipys_posteriors_in_either_precision() -> None:
    """More frames of a state than are looked at together, states that none belongs to, and one alone."""
    gmm = random_gmm(5, 3, 2)
    rng = np.random.default_rng(2)
    states = rng.permutation(np.repeat([0, 1, 3, 4], [200, 129, 64, 1]))
    frames = rng.normal(0, 3, (len(states), 3))
    shares = np.zeros((len(frames), len(gmm.means)))
    for t, (frame, state) in enumerate(zip(frames, states, strict=True)):
        own = range(gmm.first[state], gmm.first[state + 1])
        odds = [multivariate_normal.logpdf(frame, gmm.means[g], np.diag(gmm.variances[g])) + np.log(gmm.weights[g]) for g in own]
        shares[t, own] = np.exp(odds - logsumexp(odds))
    likely = by_scipy(gmm, frames)[np.arange(len(frames)), states].sum()
    for dtype, close in ((np.float64, 1e-6), (np.float32, 2e-5)):
        sums = Statistics.empty(len(gmm.means), 3)
        sums.add(gmm, frames.astype(dtype), states)
        assert sums.log_likelihood == pytest.approx(likely, rel=close)
        for found, weighted in ((sums.counts, 1.0), (sums.sums, frames), (sums.squares, np.square(frames))):
            expected = shares.T @ (weighted * np.ones_like(frames))
            np.testing.assert_allclose(found.reshape(len(expected), -1), expected[:, : found[0].size], rtol=close, atol=100 * close)


def test_known_gaussians_are_recovered_and_the_likelihood_never_falls() -> None:
    rng = np.random.default_rng(3)
    weights, means, spread = np.array([0.5, 0.3, 0.2]), np.array([[0.0, 0.0], [4.0, -1.0], [-3.0, 5.0]]), 0.7
    frames = means[rng.choice(3, 6000, p=weights)] + spread * rng.standard_normal((6000, 2))
    states = np.zeros(6000, np.int32)
    gmm = Gmm(np.array([0, 1]), np.ones(1), frames.mean(0)[None], frames.var(0)[None])
    floor = np.full(2, 1e-3)
    before = -np.inf
    for iteration in range(60):
        sums = Statistics.empty(len(gmm.means), 2)
        sums.add(gmm, frames, states)
        if iteration not in (1, 2):
            # After a split it may.
            assert sums.log_likelihood >= before - 1e-6 * abs(before)
        before = sums.log_likelihood
        gmm = estimate(gmm, sums, floor)
        if iteration < 2:
            gmm = grow(gmm, [len(gmm.means) + 1], rng)
    order = np.argsort(-gmm.weights)
    np.testing.assert_allclose(gmm.weights[order], weights, atol=0.03)
    np.testing.assert_allclose(gmm.means[order], means, atol=0.1)
    np.testing.assert_allclose(gmm.variances[order], spread**2, atol=0.06)


def test_a_gaussian_nobody_shares_is_left_out_and_a_state_keeps_its_last() -> None:
    gmm = Gmm(np.array([0, 2, 3]), np.array([0.5, 0.5, 1.0]), np.array([[0.0], [100.0], [7.0]]), np.ones((3, 1)))
    sums = Statistics.empty(3, 1)
    sums.add(gmm, np.random.default_rng(0).standard_normal((50, 1)), np.zeros(50, np.int32))
    found = estimate(gmm, sums, np.array([0.25]))
    assert found.sizes.tolist() == [1, 1]
    assert found.means[1, 0] == 7.0
    assert found.weights.tolist() == [1.0, 1.0]


def test_variances_are_floored() -> None:
    gmm = Gmm(np.array([0, 1]), np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
    sums = Statistics.empty(1, 2)
    sums.add(gmm, np.ones((30, 2)), np.zeros(30, np.int32))
    assert estimate(gmm, sums, np.array([0.5, 0.01])).variances.tolist() == [[0.5, 0.01]]


def test_the_mean_of_several_sets_is_the_mean_of_their_densities() -> None:
    sets = [random_gmm(5, 3, seed) for seed in (1, 2, 3)]
    assert len({tuple(one.sizes) for one in sets}) > 1, "sets of other sizes, too"
    frames = np.random.default_rng(4).normal(0, 3, (30, 3))
    expected = logsumexp([by_scipy(one, frames) for one in sets], axis=0) - np.log(3)
    found = averaged(sets)
    np.testing.assert_allclose(by_scipy(found, frames), expected, rtol=1e-10)
    np.testing.assert_allclose(np.add.reduceat(found.weights, found.first[:-1]), 1.0)


def test_gaussians_go_where_frames_are_but_not_above_what_a_state_may_have() -> None:
    frames = np.array([10000.0, 1000.0, 1000.0, 30.0])
    sizes = sizes_for(frames, 40, 0.5, np.array([5, 100, 100, 100]), 20.0)
    assert sizes[0] == 5, "capped"
    assert sizes[1] == sizes[2] > 10
    assert sizes[3] == 1, "30 frames are too few for two"
    assert sizes_for(frames, 4, 0.5, np.full(4, 9), 20.0).tolist() == [1, 1, 1, 1]


def test_a_split_keeps_the_mixtures_mass_and_mean() -> None:
    gmm = random_gmm(3, 4, 5, most=1)
    grown = grow(gmm, [3, 1, 2], np.random.default_rng(0))
    assert grown.sizes.tolist() == [3, 1, 2]
    for state in range(3):
        own = slice(grown.first[state], grown.first[state + 1])
        assert grown.weights[own].sum() == pytest.approx(1.0)
        np.testing.assert_allclose(grown.weights[own] @ grown.means[own], gmm.means[state], atol=1e-9)
    again = grow(gmm, [3, 1, 2], np.random.default_rng(0))
    assert np.array_equal(again.means, grown.means)
