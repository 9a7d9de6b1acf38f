"""Normalization: planted statistics are removed, padding has no part in them, float64 sums do not cancel."""

import numpy as np
import pytest
import torch

from speechrnn.errors import DataError, UsageError
from speechrnn.features.loudness import Loudness, mean_of
from speechrnn.features.normalization import FLOOR, NormalizationOptions, Normalizer, Statistics, moments, utterance_moments

LENGTHS = torch.tensor([50, 20, 1])


def planted() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    frames = 7 + 3 * torch.randn(3, 50, 4, generator=generator)
    for row, length in enumerate(LENGTHS.tolist()):
        frames[row, length:] = 0
    return frames


def test_global_statistics_come_from_real_frames_and_are_removed():
    rows = [planted()[row, :length].numpy() for row, length in enumerate(LENGTHS.tolist())]
    normalizer = Normalizer(NormalizationOptions("global"), Loudness(mean_of(4), -4.0))
    normalizer.moments.copy_(torch.from_numpy(moments(rows)))
    out = normalizer(planted(), LENGTHS)
    real = torch.cat([out[row, :length] for row, length in enumerate(LENGTHS.tolist())])
    torch.testing.assert_close(real.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(real.std(0, correction=0), torch.ones(4), atol=1e-5, rtol=0)
    assert not out[1, 20:].any()


def test_utterance_normalization_ignores_padding_and_batch_mates():
    normalizer = Normalizer(NormalizationOptions("utterance"), Loudness(mean_of(4), -4.0))
    together = normalizer(planted(), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = normalizer(planted()[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(together[0].mean(0), torch.zeros(4), atol=1e-5, rtol=0)


def test_speaker_moments_are_used_where_given_else_the_file_is_its_own_speaker():
    normalizer = Normalizer(NormalizationOptions("speaker"), Loudness(mean_of(4), -4.0))
    mean, deviation = utterance_moments(planted(), LENGTHS, torch.zeros(3, 50, 1, dtype=torch.bool))
    given = torch.cat([mean, deviation], 1)
    torch.testing.assert_close(normalizer(planted(), LENGTHS, given), normalizer(planted(), LENGTHS))
    assert not torch.allclose(normalizer(planted(), LENGTHS, given + 1), normalizer(planted(), LENGTHS))


def test_sums_keep_a_small_spread_on_a_large_mean():
    frames = np.float32(1000) + np.random.default_rng(0).normal(0, 0.5, (200_000, 1)).astype(np.float32)
    statistics = Statistics()
    for part in np.array_split(frames, 50):
        statistics.add(part)
    assert statistics.moments()[1, 0] == pytest.approx(frames.astype(np.float64).std(), rel=1e-4)


def test_a_constant_feature_is_not_blown_up():
    assert moments([np.ones((5, 2), np.float32)])[1].tolist() == pytest.approx([FLOOR, FLOOR])


def test_no_frames_and_unknown_modes_are_refused():
    with pytest.raises(DataError, match="no frames"):
        moments([])
    with pytest.raises(UsageError, match="choose one of"):
        NormalizationOptions("per-file")
