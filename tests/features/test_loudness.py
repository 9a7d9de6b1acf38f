"""Digital silence is told from all that was recorded, and changes nothing of what stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from speechrnn.features.fbank import Fbank, FbankOptions
from speechrnn.features.frontend import build_frontend
from speechrnn.features.logmel import LogmelOptions
from speechrnn.features.loudness import QUIET, Loudness, mean_of
from speechrnn.features.mfcc import MfccOptions
from speechrnn.features.normalization import NormalizationOptions, Normalizer, Statistics

LAST_BIT = 1 / 32768


@pytest.mark.parametrize(
    "options", [FbankOptions(), FbankOptions(mel_bins=23), LogmelOptions(), MfccOptions(), MfccOptions(lifter=0.0)]
)
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_it_is_told_from_the_faintest_noise(options, rate: int) -> None:
    frontend = build_frontend(options, rate)
    rng = np.random.default_rng(0)
    noise = rng.integers(-1, 2, rate) * LAST_BIT
    found = {}
    for name, samples in {"zeros": np.zeros(rate), "muted": np.full(rate, 0.25), "last bit": noise}.items():
        frames, _ = frontend(torch.from_numpy(samples.astype(np.float32))[None], torch.tensor([rate]))
        found[name] = frontend.loudness.silent(frames[0])
        assert len(frontend.loudness.audible(frames[0])) == int((~found[name]).sum())
    assert found["zeros"].all()
    # A constant is silence, too, where the front-end takes it away.
    assert found["muted"].all() or isinstance(options, LogmelOptions)
    assert not found["last bit"].any()


@pytest.mark.parametrize("variance", [True, False])
@pytest.mark.parametrize("mode", ["global", "speaker", "utterance"])
def test_what_is_said_is_normalized_as_without_it(mode: str, variance: bool) -> None:
    rng = np.random.default_rng(1)
    frames = torch.from_numpy((8 + 3 * rng.standard_normal((40, 5))).astype(np.float32))
    nothing = torch.full((25, 5), -15.94)
    padded = torch.cat([nothing, frames[:15], nothing[:5], frames[15:], nothing])
    normalizer = Normalizer(NormalizationOptions(mode, variance), Loudness(mean_of(5), -4.0))
    given = []
    for sound in (frames, padded):
        statistics = Statistics()
        statistics.add(normalizer.loudness.audible(sound).numpy())
        given.append(torch.from_numpy(statistics.moments()))
    assert torch.equal(given[0], given[1])
    normalizer.moments.copy_(given[0])
    known = given[0][None] if mode == "speaker" else None
    # Beside another in a batch, which is longer.
    batch = torch.zeros(2, 120, 5)
    batch[0, :95] = padded
    batch[1] = 8 + 3 * torch.randn(120, 5, generator=torch.Generator().manual_seed(2))
    whole = normalizer(frames[None], torch.tensor([40]), known)[0]
    found = normalizer(batch, torch.tensor([95, 120]), None if known is None else known.expand(2, -1, -1))[0]
    where = [*range(25, 40), *range(45, 70)]
    torch.testing.assert_close(found[where], whole, atol=1e-6, rtol=0)
    quiet = np.delete(found[:95].numpy(), where, axis=0)
    expected = np.full(5, QUIET) if variance else QUIET * given[0][1].numpy()
    np.testing.assert_allclose(quiet, np.broadcast_to(expected, quiet.shape), rtol=1e-5)
    assert not found[95:].any()


@pytest.mark.parametrize("mode", ["global", "speaker", "utterance", "none"])
def test_a_recording_of_nothing_else_stays_finite(mode: str) -> None:
    frontend = Fbank(FbankOptions(), 8000)
    frames, lengths = frontend(torch.zeros(1, 8000), torch.tensor([8000]))
    statistics = Statistics()
    statistics.add(frontend.loudness.audible(frames[0]).numpy())
    assert statistics.begun
    known = torch.from_numpy(statistics.moments())[None] if mode == "speaker" else None
    found = Normalizer(NormalizationOptions(mode), frontend.loudness)(frames, lengths, known)
    assert found.isfinite().all()
    if mode != "none":
        assert (found == QUIET).all()


def test_of_cepstra_only_the_loudness_is_quiet() -> None:
    loudness = build_frontend(MfccOptions(), 16000).loudness
    assert loudness.quiet.tolist() == pytest.approx([QUIET] + [0.0] * 12)


@pytest.mark.parametrize("options", [FbankOptions(), LogmelOptions(), MfccOptions()])
@pytest.mark.parametrize("db", [-20.0, 6.5])
def test_louder_frames_are_those_of_louder_samples(options, db: float) -> None:
    frontend = build_frontend(options, 16000)
    samples = torch.from_numpy(0.05 * np.random.default_rng(3).standard_normal((1, 16000))).float()
    length = torch.tensor([16000])
    frames, expected = (frontend(samples * gain, length)[0] for gain in (1.0, 10 ** (db / 20)))
    torch.testing.assert_close(frontend.loudness.louder(frames, db), expected, atol=1e-3, rtol=0)
    assert frontend.loudness.louder(frames, 0.0) is frames
