"""Deltas, LDA, MLLT and fMLLR against references and planted answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted import random_gmm
from scipy.linalg import eigh, subspace_angles

from speechrnn.features._torchaudio import functional
from speechrnn.hmm.adaptation import speaker_transform
from speechrnn.hmm.alignment import Segments
from speechrnn.hmm.gmm import Gmm, Statistics
from speechrnn.hmm.gmm_kernels import pull
from speechrnn.hmm.transforms import ClassScatter, Fmllr, apply_affine, deltas, mllt, second_moments, splice


def test_deltas_equal_torchaudios() -> None:
    frames = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    once = functional.compute_deltas(torch.from_numpy(frames.T)[None]).numpy()[0].T
    twice = functional.compute_deltas(torch.from_numpy(np.ascontiguousarray(once.T))[None]).numpy()[0].T
    np.testing.assert_allclose(deltas(frames), np.concatenate([frames, once, twice], 1), atol=1e-6)


def test_splicing_repeats_the_ends() -> None:
    frames = np.arange(5.0)[:, None]
    assert splice(frames, 2).tolist()[0] == [0, 0, 0, 1, 2]
    assert splice(frames, 2).tolist()[4] == [2, 3, 4, 4, 4]
    assert splice(frames, 1).tolist()[2] == [1, 2, 3]


def test_lda_equals_scipys_generalized_eigenvectors() -> None:
    rng = np.random.default_rng(1)
    centers = rng.normal(0, 3, (6, 8))
    classes = rng.integers(0, 6, 3000)
    frames = centers[classes] + rng.standard_normal((3000, 8)) @ rng.normal(0, 1, (8, 8))
    scatter = ClassScatter.empty(7, 8)
    for start in range(0, 3000, 700):
        scatter.add(frames[start : start + 700], classes[start : start + 700])
    found = scatter.lda(3)
    mean = frames.mean(0)
    within, between = np.zeros((8, 8)), np.zeros((8, 8))
    for c in range(6):
        own = frames[classes == c]
        within += (own - own.mean(0)).T @ (own - own.mean(0)) / 3000
        between += len(own) / 3000 * np.outer(own.mean(0) - mean, own.mean(0) - mean)
    _, vectors = eigh(between, within)
    assert subspace_angles(found.T, vectors[:, -3:]).max() < 1e-6
    np.testing.assert_allclose(found @ within @ found.T, np.eye(3), atol=1e-8)


def moments_of(gmm: Gmm, frames: np.ndarray, states: np.ndarray) -> np.ndarray:
    """What MLLT takes, a frame and a Gaussian at a time."""
    out = np.zeros((frames.shape[1],) * 3)
    for frame, state in zip(frames, states, strict=True):
        own = slice(gmm.first[state], gmm.first[state + 1])
        distance = np.square(frame - gmm.means[own]) * gmm.precisions[own]
        odds = np.exp(gmm.constants[own] - 0.5 * distance.sum(1))
        for share, mean, precise in zip(odds / odds.sum(), gmm.means[own], gmm.precisions[own], strict=True):
            out += share * precise[:, None, None] * np.outer(frame - mean, frame - mean)
    return out


def test_mllt_makes_correlated_frames_fit_diagonal_gaussians() -> None:
    rng = np.random.default_rng(2)
    mixing = np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.5], [0.3, 0.0, 1.0]])
    centers = rng.normal(0, 4, (5, 3))
    states = rng.integers(0, 5, 4000)
    deviations = (rng.standard_normal((4000, 3)) * [0.3, 1.0, 2.0]) @ mixing.T
    frames = centers[states] + deviations
    variances = np.stack([deviations[states == s].var(0) for s in range(5)])
    gmm = Gmm(np.arange(6), np.ones(5), centers, variances)
    matrix, gain = mllt(moments_of(gmm, frames, states), 4000.0)
    # By diagonal Gaussians that are estimated anew, in the new coordinates and in the old ones.
    turned = deviations @ matrix.T
    each = [(turned[states == s].var(0), deviations[states == s].var(0)) for s in range(5)]
    shares = np.bincount(states) / 4000
    better = sum(share * 0.5 * (np.log(b).sum() - np.log(a).sum()) for share, (a, b) in zip(shares, each, strict=True))
    assert better + np.linalg.slogdet(matrix)[1] > 0.5
    assert gain > 0
    correlation = np.corrcoef(turned.T)
    assert np.abs(correlation - np.eye(3)).max() < 0.1 < np.abs(np.corrcoef(deviations.T) - np.eye(3)).max()


def test_second_moments_equal_the_sum_of_outer_products() -> None:
    rng = np.random.default_rng(0)
    weights, frames = rng.random((50, 2)), rng.standard_normal((50, 4))
    expected = np.einsum("ti,ta,tb->iab", weights, frames, frames)
    np.testing.assert_allclose(second_moments(weights, frames, block=7), expected, atol=1e-12)


def test_fmllr_undoes_a_planted_affine_map() -> None:
    rng = np.random.default_rng(4)
    gmm = random_gmm(12, 4, 4, most=2)
    states = rng.integers(0, 12, 6000).astype(np.int32)
    which = np.array([rng.choice(np.arange(gmm.first[s], gmm.first[s + 1])) for s in states])
    clean = gmm.means[which] + rng.standard_normal((6000, 4)) * np.sqrt(gmm.variances[which])
    warp = np.eye(4) + 0.15 * rng.standard_normal((4, 4))
    heard = clean @ warp.T + np.array([0.5, -1.0, 0.2, 0.0])
    phones = np.ones(1, np.int32)
    said = Segments(states, np.zeros(6000, np.int32), np.array([0, 6000]), phones, phones, phones, phones)
    matrix = None
    for _ in range(6):
        matrix = speaker_transform(gmm, [(heard, said)], matrix)
    assert matrix is not None
    before = np.square(heard - clean).mean()
    after = np.square(apply_affine(heard, matrix) - clean).mean()
    assert after < 0.02 * before
    np.testing.assert_allclose(matrix[:, :4] @ warp, np.eye(4), atol=0.06)


def test_fmllr_raises_the_likelihood_and_leaves_a_silent_speaker_alone() -> None:
    rng = np.random.default_rng(5)
    gmm = random_gmm(6, 3, 5)
    states = rng.integers(0, 6, 900).astype(np.int32)
    frames = rng.normal(0, 3, (900, 3))
    weights, targets = np.zeros_like(frames), np.zeros_like(frames)
    pull(frames, states, *gmm.kernel_arrays, weights, targets)
    sums = Fmllr.empty(3)
    sums.add(frames, weights, targets)
    found = sums.transform()
    assert sums.objective(found) > sums.objective(np.eye(3, 4))
    for seed in range(20):
        near = found + 1e-3 * np.random.default_rng(seed).standard_normal(found.shape)
        assert sums.objective(near) <= sums.objective(found) + 1e-6
    few = Fmllr.empty(3)
    few.add(frames[:100], weights[:100], targets[:100])
    assert np.array_equal(few.transform(), np.eye(3, 4))


def test_pull_is_the_gradient_of_the_mixtures_bound() -> None:
    gmm = random_gmm(3, 2, 6)
    frames = np.random.default_rng(6).normal(0, 2, (20, 2))
    states = np.arange(20, dtype=np.int32) % 3
    weights, targets = np.zeros_like(frames), np.zeros_like(frames)
    total = pull(frames, states, *gmm.kernel_arrays, weights, targets)
    sums = Statistics.empty(len(gmm.means), 2)
    sums.add(gmm, frames, states)
    assert total == pytest.approx(sums.log_likelihood)
    step = 1e-5

    def each(some: np.ndarray) -> np.ndarray:
        rows = [(some[t : t + 1], states[t : t + 1]) for t in range(20)]
        return np.array([pull(*row, *gmm.kernel_arrays, np.zeros((1, 2)), np.zeros((1, 2))) for row in rows])

    for d in range(2):
        moved = frames.copy()
        moved[:, d] += step
        np.testing.assert_allclose((each(moved) - each(frames)) / step, targets[:, d] - weights[:, d] * frames[:, d], atol=2e-3)
