"""Front-ends against torchaudio and librosa, in padded batches, in streams, and on planted signals."""

import math

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch

from speechrnn.errors import UsageError
from speechrnn.features._torchaudio import kaldi
from speechrnn.features.fbank import Fbank, FbankOptions
from speechrnn.features.frontend import build_frontend, stream_frames
from speechrnn.features.logmel import Logmel, LogmelOptions
from speechrnn.features.mfcc import Mfcc, MfccOptions

RATE = 16000
ALL = (FbankOptions(), MfccOptions(), LogmelOptions())
LENGTHS = torch.tensor([24000, 16001, 700, 399])


def noisy_batch() -> torch.Tensor:
    """Speech-like levels; what lies beyond each length is loud garbage that must not matter."""
    generator = torch.Generator().manual_seed(3)
    samples = 0.1 * torch.randn(len(LENGTHS), int(LENGTHS.max()), generator=generator)
    samples[:, ::2] *= 0.3
    for row, length in enumerate(LENGTHS.tolist()):
        samples[row, length:] = 0.9
    return samples


def reference(options: object, samples: torch.Tensor, rate: int = RATE) -> np.ndarray:
    if isinstance(options, FbankOptions):
        return kaldi.fbank(samples[None] * 32768, dither=0.0, num_mel_bins=80, sample_frequency=rate).numpy()
    if isinstance(options, MfccOptions):
        return kaldi.mfcc(samples[None] * 32768, dither=0.0, sample_frequency=rate).numpy()
    # What librosa.feature.melspectrogram does, whose import compiles for half a minute: SciPy's spectra through librosa's filters.
    from librosa.filters import mel

    window = np.pad(scipy.signal.get_window("hann", 400), 56)
    frames = np.lib.stride_tricks.sliding_window_view(samples.numpy(), 512)[::160]
    powers = np.square(np.abs(scipy.fft.rfft(frames * window)))
    return np.log(np.maximum(powers @ mel(sr=rate, n_fft=512, n_mels=80).T, 1e-10))


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.kind)
def test_equals_the_reference_in_a_padded_batch(options):
    frames, counts = build_frontend(options, RATE)(noisy_batch(), LENGTHS)
    assert counts.dtype == torch.int64
    for row, (length, count) in enumerate(zip(LENGTHS.tolist(), counts.tolist(), strict=True)):
        if count == 0:
            continue
        expected = reference(options, noisy_batch()[row, :length])
        assert expected.shape == (count, frames.shape[2])
        np.testing.assert_allclose(frames[row, :count].numpy(), expected, atol=1e-4, rtol=0)


@pytest.mark.slow  # Half a minute for the import.
def test_logmels_reference_is_librosas_melspectrogram():
    import librosa

    samples = noisy_batch()[0]
    mels = librosa.feature.melspectrogram(
        y=samples.numpy(), sr=RATE, n_fft=512, win_length=400, hop_length=160, n_mels=80, center=False, power=2.0
    )
    np.testing.assert_allclose(reference(LogmelOptions(), samples), np.log(np.maximum(mels, 1e-10)).T, atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [FbankOptions(), MfccOptions()], ids=lambda o: o.kind)
def test_equals_the_reference_at_8_khz(options):
    samples = noisy_batch()[0]
    frames, _ = build_frontend(options, 8000)(samples[None], torch.tensor([len(samples)]))
    np.testing.assert_allclose(frames[0].numpy(), reference(options, samples, 8000), atol=1e-4, rtol=0)


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.kind)
def test_padding_is_zero_and_influences_nothing(options):
    frontend = build_frontend(options, RATE)
    frames, counts = frontend(noisy_batch(), LENGTHS)
    for row, (length, count) in enumerate(zip(LENGTHS.tolist(), counts.tolist(), strict=True)):
        assert not frames[row, count:].any()
        alone, _ = frontend(noisy_batch()[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(frames[row, :count], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.kind)
def test_chunks_give_the_frames_of_the_whole(options):
    frontend = build_frontend(options, RATE)
    samples = noisy_batch()[:1]
    whole, _ = frontend(samples, torch.tensor([samples.shape[1]]))
    rng = np.random.default_rng(0)
    cuts = np.sort(rng.integers(0, samples.shape[1], 40))
    state, parts = None, []
    for chunk in torch.tensor_split(samples, cuts.tolist(), dim=1):
        frames, state = stream_frames(frontend, chunk, state)
        parts.append(frames)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def tone(frequency: float, level: float = 0.5) -> torch.Tensor:
    return level * torch.sin(2 * math.pi * frequency * torch.arange(RATE) / RATE)[None]


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 3000.0, 6000.0])
def test_fbank_puts_a_tone_into_its_band(frequency):
    frames, _ = Fbank(FbankOptions(), RATE)(tone(frequency), torch.tensor([RATE]))
    mels = lambda hz: 1127 * math.log(1 + hz / 700)  # noqa: E731
    position = (mels(frequency) - mels(20)) / (mels(8000) - mels(20)) * 81 - 1
    assert abs(int(frames[0].mean(0).argmax()) - position) <= 1


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 3000.0])
def test_logmel_puts_a_tone_into_its_band(frequency):
    from librosa.core.convert import mel_frequencies

    frames, _ = Logmel(LogmelOptions(), RATE)(tone(frequency), torch.tensor([RATE]))
    centers = mel_frequencies(82, fmin=0, fmax=8000)[1:-1]
    assert abs(int(frames[0].mean(0).argmax()) - int(np.abs(centers - frequency).argmin())) <= 1


def test_mfcc_c0_follows_level_and_the_rest_does_not():
    quiet, _ = Mfcc(MfccOptions(), RATE)(noisy_batch()[:1] * 0.1, LENGTHS[:1])
    loud, _ = Mfcc(MfccOptions(), RATE)(noisy_batch()[:1], LENGTHS[:1])
    change = (loud - quiet)[0].mean(0)
    assert change[0] == pytest.approx(2 * math.log(10) * math.sqrt(23), rel=1e-3)
    assert change[1:].abs().max() < 0.01


def test_fbank_ignores_a_direct_current_offset():
    samples = noisy_batch()[:1] * 0.5
    plain, _ = Fbank(FbankOptions(), RATE)(samples, LENGTHS[:1])
    shifted, _ = Fbank(FbankOptions(), RATE)(samples + 0.25, LENGTHS[:1])
    assert (plain - shifted).abs().mean() < 1e-3


def test_digital_silence_is_finite():
    for options in ALL:
        frames, _ = build_frontend(options, RATE)(torch.zeros(1, 4000), torch.tensor([4000]))
        assert torch.isfinite(frames).all()


def test_more_bands_than_the_rate_carries_are_refused_with_a_remedy():
    with pytest.raises(UsageError, match="bands without any FFT bin"):
        Fbank(FbankOptions(mel_bins=128), RATE)


@pytest.mark.parametrize("changes", [{"mel_bins": 0}, {"hop_ms": 30.0}, {"hop_ms": 0.0}])
def test_impossible_options_are_refused(changes):
    with pytest.raises(UsageError):
        FbankOptions(**changes)
    with pytest.raises(UsageError):
        Fbank(FbankOptions(high_hz=9000.0), RATE)
