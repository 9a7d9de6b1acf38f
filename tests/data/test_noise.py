from __future__ import annotations

import numpy as np
import pytest

from speechrnn.data.noise import active_power, colored_noise, fit_length, mix, telephone_band


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 30.0])
def test_the_ratio_is_what_was_asked_for(sound, snr_db):
    speech = sound(16_000) * 0.1
    noise = colored_noise(16_000, "white", np.random.default_rng(0)) * 0.01
    rest = mix(speech, noise, snr_db, 16_000) - speech
    assert 10 * np.log10(active_power(speech, 16_000) / active_power(rest, 16_000)) == pytest.approx(snr_db, abs=0.01)


def test_silence_around_the_speech_changes_nothing(sound):
    speech = sound(16_000)
    padded = np.concatenate([np.zeros(32_000, np.float32), speech, np.zeros(8_000, np.float32)])
    assert active_power(padded, 16_000) == pytest.approx(active_power(speech, 16_000), rel=1e-6)


def test_a_mix_never_clips(sound):
    mixed = mix(sound(8_000) * 9, sound(8_000, 1), -20.0, 16_000)
    assert np.abs(mixed).max() == pytest.approx(0.99, abs=1e-4)
    assert mixed.dtype == np.float32


def test_silence_as_noise_or_speech_is_no_fault(sound):
    silence = np.zeros(8_000, np.float32)
    np.testing.assert_array_equal(mix(sound(8_000), silence, 10.0, 16_000), sound(8_000))
    np.testing.assert_array_equal(mix(silence, sound(8_000), 10.0, 16_000), silence)
    assert active_power(np.zeros(3, np.float32), 16_000) == 0.0


def test_short_noise_is_repeated():
    np.testing.assert_array_equal(fit_length(np.arange(4), 7, 3), [3, 0, 1, 2, 3, 0, 1])


@pytest.mark.parametrize(("color", "slope"), [("white", 0.0), ("pink", -3.01)])
def test_color_is_decibels_per_octave(color, slope):
    noise = colored_noise(1 << 17, color, np.random.default_rng(0))
    power = np.square(np.abs(np.fft.rfft(noise)))
    octaves = [10 * np.log10(power[1 << n : 2 << n].mean()) for n in range(8, 16)]
    assert np.diff(octaves).mean() == pytest.approx(slope, abs=0.2)
    assert np.square(noise).mean() == pytest.approx(1.0, rel=0.05)
    assert noise.dtype == np.float32


@pytest.mark.parametrize(("hertz", "passes"), [(50, False), (150, False), (500, True), (1000, True), (3000, True), (3800, False)])
def test_the_telephone_keeps_its_band_only(hertz, passes):
    tone = np.sin(2 * np.pi * hertz * np.arange(8_000) / 8_000).astype(np.float32)
    heard = telephone_band(tone, 8_000)[1_000:-1_000]
    if passes:
        np.testing.assert_allclose(heard, tone[1_000:-1_000], atol=0.02)
    else:
        assert np.abs(heard).max() < 0.05
