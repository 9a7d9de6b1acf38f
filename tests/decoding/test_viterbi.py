from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from speechrnn.decoding import viterbi, viterbi_kernels
from speechrnn.decoding.viterbi import align, log_probability


def posteriors(n_frames: int, n_tokens: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).normal(0, 2, (n_frames, n_tokens))
    return (x - np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)


def all_paths(log_probs: np.ndarray, ids: list[int]) -> list[tuple[float, tuple[int, ...]]]:
    """Every frame labelling that reads as ``ids``, with its log probability, the best first."""
    found = []
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if [token for token, _ in itertools.groupby(path) if token] == ids:
            found.append((float(sum(log_probs[t, token] for t, token in enumerate(path))), path))
    return sorted(found, reverse=True)


def labelling(path: viterbi.Path, n_frames: int) -> tuple[int, ...]:
    labels = np.zeros(n_frames, np.int64)
    for token, start, end in zip(path.ids, path.starts, path.ends, strict=True):
        labels[start:end] = token
    return tuple(labels.tolist())


@pytest.mark.parametrize("ids", [[], [1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2], [2, 2, 2]])
@pytest.mark.parametrize("seed", range(3))
def test_alignment_and_probability_are_those_of_all_paths(ids: list[int], seed: int) -> None:
    log_probs = posteriors(6, 3, seed)
    expected = all_paths(log_probs, ids)
    found = align(log_probs, ids)
    assert found is not None
    path, total = found
    assert total == pytest.approx(expected[0][0], abs=1e-5)
    assert labelling(path, 6) == expected[0][1]
    assert path.ids.tolist() == ids
    for token, start, end, confidence in zip(path.ids, path.starts, path.ends, path.confidences, strict=True):
        assert confidence == pytest.approx(np.exp(log_probs[start:end, token]).max())
    assert log_probability(log_probs, ids) == pytest.approx(np.logaddexp.reduce([p for p, _ in expected]), abs=1e-5)


def test_probability_is_minus_torchs_ctc_loss() -> None:
    log_probs = posteriors(80, 12, 0)
    ids = np.random.default_rng(1).integers(1, 12, 30)
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs)[:, None].double(), torch.from_numpy(ids)[None], (80,), (30,), reduction="none"
    )
    assert log_probability(log_probs, ids) == pytest.approx(-loss.item(), abs=1e-4)


def test_what_does_not_fit_is_none() -> None:
    log_probs = posteriors(3, 3, 0)
    assert align(log_probs, [1, 1, 1]) is None, "needs two blanks between"
    assert align(log_probs, [1, 2, 1, 2]) is None
    assert log_probability(log_probs, [1, 1, 1]) == -math.inf
    assert align(posteriors(0, 3, 0), []) is not None


def test_a_band_finds_the_exact_path_of_a_long_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    ids = draw.integers(1, 20, 3000)
    # A network that hears most symbols, in bursts with long silences between, and mistakes a quarter of them.
    frames = np.zeros((12_000, 20))
    place = np.sort(draw.choice(6000, 3000, replace=False)) * 2
    frames[:, 0] = 4
    frames[place, np.where(draw.uniform(size=3000) < 0.25, draw.integers(1, 20, 3000), ids)] = 6
    log_probs = (frames - np.log(np.exp(frames).sum(-1, keepdims=True))).astype(np.float32)
    exact_states, exact = viterbi_kernels.best_path(log_probs, ids, 6001)
    monkeypatch.setattr(viterbi, "EXACT_BYTES", 0)
    monkeypatch.setattr(viterbi, "BAND", 16)
    found = align(log_probs, ids)
    assert found is not None
    assert found[1] == exact
    assert found[0].starts.tolist() == viterbi._path(log_probs, ids, exact_states).starts.tolist()


def test_what_is_out_of_the_range_of_numbers_is_still_told() -> None:
    log_probs = np.full((300, 3), -40.0, np.float32)
    log_probs[:, 0] = 0.0
    ids = np.full(100, 2)
    assert np.isneginf(viterbi_kernels.scaled_log_probability(np.exp(log_probs.astype(np.float64)), ids))
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs)[:, None].double(), torch.from_numpy(ids)[None], (300,), (100,), reduction="none"
    )
    assert log_probability(log_probs, ids) == pytest.approx(-loss.item(), rel=1e-6)


@pytest.mark.parametrize("spread", [2, 10, 20, 60])
def test_products_give_what_logarithms_give_or_say_that_they_cannot(spread: float) -> None:
    """Peaked posteriors of a text that is not in them: where products lose what counts, logarithms take over."""
    rng = np.random.default_rng(0)
    fell_back = 0
    for _ in range(40):
        x = rng.normal(0, spread, (250, 6))
        log_probs = (x - np.logaddexp.reduce(x, axis=1, keepdims=True)).astype(np.float32)
        ids = rng.integers(1, 6, rng.integers(1, 120)).astype(np.int64)
        expected = viterbi_kernels.log_probability(log_probs, ids)
        found = viterbi_kernels.scaled_log_probability(np.exp(log_probs.astype(np.float64)), ids)
        fell_back += found == -math.inf < expected
        assert found == -math.inf or found == pytest.approx(expected, rel=1e-5)
        assert log_probability(log_probs, ids) == pytest.approx(expected, rel=1e-5)
    assert (fell_back > 0) == (spread >= 10), "the fast way serves posteriors as networks give them"


def test_a_band_for_a_foreign_text_stops_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    best_path = viterbi_kernels.best_path

    def watched(log_probs: np.ndarray, ids: np.ndarray, width: int) -> tuple[np.ndarray, float]:
        widths.append(width)
        return best_path(log_probs, ids, width)

    monkeypatch.setattr(viterbi_kernels, "best_path", watched)
    monkeypatch.setattr(viterbi, "EXACT_BYTES", 0)
    monkeypatch.setattr(viterbi, "BAND", 8)
    monkeypatch.setattr(viterbi, "MOST_BYTES", 500 * 128 // 4)
    found = align(posteriors(500, 6, 0), np.random.default_rng(1).integers(1, 6, 200))
    assert found is not None
    assert len(found[0]) == 200
    assert max(widths) <= 128
