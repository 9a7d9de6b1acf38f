"""Every way a sound file can be wrong ends in an error that names the file, and every right one is read to the sample."""

from __future__ import annotations

import logging
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechrnn import audio, audio_headers
from speechrnn.errors import DataError

FORMATS = ("wav", "flac", "aiff", "sph", "ogg", "opus", "mp3", "raw")
LOSSLESS = ("wav", "flac", "aiff", "sph", "raw")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_keeps_its_length(tmp_path, write_sound, suffix):
    path = write_sound(tmp_path / f"a.{suffix}", seconds=0.75)
    found = audio.info(path)
    assert (found.sampling_rate, found.num_samples, found.channels) == (16_000, 12_000, 1)
    assert found.duration == 0.75
    assert audio.read(path).shape == (12_000,)
    assert audio.read(path).dtype == np.float32
    assert audio.verify(path) == found


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_agree(tmp_path, write_sound, sound, suffix):
    path = write_sound(tmp_path / f"a.{suffix}", seconds=0.5, seed=3)
    np.testing.assert_allclose(audio.read(path), sound(8_000, 3), atol=1.01 / 32768)


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_a_stretch_equals_the_same_part_of_the_whole(tmp_path, write_sound, suffix):
    path = write_sound(tmp_path / f"a.{suffix}")
    clip = audio.Clip("a", path, offset=1234, num_samples=777)
    np.testing.assert_array_equal(audio.read_clip(clip), audio.read(path)[1234:2011])
    np.testing.assert_array_equal(audio.read(path, offset=7000), audio.read(path)[7000:])


def test_a_stretch_beyond_the_end_is_refused(tmp_path, write_sound):
    path = write_sound(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"samples 7000-9000 asked for, the file has 8000"):
        audio.read(path, offset=7000, num_samples=2000)
    with pytest.raises(DataError, match="asked for"):
        audio.read(path, offset=8000)


def test_channels_are_mixed_or_picked(tmp_path):
    stereo = np.stack([np.full(800, 0.5), np.full(800, -0.25)], axis=1).astype(np.float32)
    soundfile.write(tmp_path / "s.wav", stereo, 8000)
    assert audio.info(tmp_path / "s.wav").channels == 2
    np.testing.assert_allclose(audio.read(tmp_path / "s.wav"), 0.125, atol=1e-4)
    np.testing.assert_allclose(audio.read(tmp_path / "s.wav", channel=1), -0.25, atol=1e-4)
    with pytest.raises(DataError, match="channel 2 asked for, the file has 2"):
        audio.read(tmp_path / "s.wav", channel=2)


def test_resampling_keeps_a_tone_and_removes_what_would_alias(tmp_path):
    time = np.arange(16_000) / 16_000
    low, high = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 6000 * time)
    result = audio.resample((0.5 * low + 0.3 * high).astype(np.float32), 16_000, 8_000)
    assert result.shape == (8_000,)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)
    np.testing.assert_allclose(result[200:-200], expected[200:-200], atol=1e-3)


def test_reading_resamples_to_the_rate_asked_for(tmp_path, write_sound):
    path = write_sound(tmp_path / "a.wav", seconds=0.5, rate=8_000)
    assert audio.read(path, sampling_rate=16_000).shape == (8_000,)
    assert audio.read(path).shape == (4_000,)


def test_writing_and_reading_back(tmp_path, sound):
    audio.write(tmp_path / "a.flac", sound(1000), 16_000)
    np.testing.assert_allclose(audio.read(tmp_path / "a.flac"), sound(1000), atol=0.51 / 32768)
    audio.write(tmp_path / "loud.wav", np.array([1.5, -1.5], np.float32), 16_000)
    np.testing.assert_allclose(audio.read(tmp_path / "loud.wav"), [32767 / 32768, -1.0])
    with pytest.raises(DataError, match="could not be written"):
        audio.write(tmp_path / "loud.wav" / "a.flac", sound(10), 16_000)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_failed_write_leaves_the_older_recording(name, tmp_path, sound, monkeypatch):
    audio.write(tmp_path / name, sound(1000), 16_000)
    before = (tmp_path / name).read_bytes()

    def full(path, *_, **__):
        Path(path).write_bytes(b"half")
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(DataError, match=rf"{name}: could not be written"):
        audio.write(tmp_path / name, sound(2000), 16_000)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


# What is wrong with a file, how it is made, and what the message says.


def _cut(path: Path, share: float = 0.6) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize("suffix", FORMATS[:-1])
def test_truncated(tmp_path, write_sound, suffix):
    path = write_sound(tmp_path / f"a.{suffix}", seconds=2.0)
    _cut(path)
    with pytest.raises(DataError, match=r"cut short|holds no samples") as error:
        audio.read(path)
    assert str(path) in error.value.message
    assert error.value.remedy
    with pytest.raises(DataError, match=r"cut short|holds no samples"):
        audio.verify(path)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x80000000, 0x7FFFFF00])
def test_streamed_wav_without_a_known_length_is_read(size, tmp_path, write_sound):
    path = write_sound(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[40:44] = size.to_bytes(4, "little")
    data[4:8] = min(size + 36, 0xFFFFFFFF).to_bytes(4, "little")
    path.write_bytes(data)
    assert audio.read(path).shape == (8_000,)


def test_missing(tmp_path):
    with pytest.raises(DataError, match="no such file") as error:
        audio.read(tmp_path / "none.wav")
    assert "none.wav" in error.value.message


def test_directory(tmp_path):
    with pytest.raises(DataError, match="a folder, not an audio file"):
        audio.info(tmp_path)


def test_empty(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        audio.read(tmp_path / "a.wav")


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.float32), 16_000)
    with pytest.raises(DataError, match="holds no samples"):
        audio.info(tmp_path / "a.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_a_number(tmp_path, sound, value):
    samples = sound(8_000).copy()
    samples[4_000] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(DataError, match=r"NaN or infinite sample at 4000 \(0\.25 s\)"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(DataError, match="at 4000"):
        audio.verify(tmp_path / "a.wav")
    assert audio.read(tmp_path / "a.wav", num_samples=4_000).shape == (4_000,)


def test_a_hundred_channels(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 100), np.float32), 16_000)
    with pytest.raises(DataError, match="100 channels; at most 8"):
        audio.info(tmp_path / "a.wav")


def test_text_named_as_audio(tmp_path):
    (tmp_path / "a.wav").write_text("so ist das\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"text, not audio \(it begins 'so ist das"):
        audio.read(tmp_path / "a.wav")


def test_garbage_named_as_audio(tmp_path):
    (tmp_path / "a.flac").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(DataError, match="not audio in a known format"):
        audio.read(tmp_path / "a.flac")


def test_content_decides_not_the_name(tmp_path, write_sound):
    write_sound(tmp_path / "a.mp3").rename(tmp_path / "a.wav")
    assert audio.info(tmp_path / "a.wav").format == "MP3"
    assert audio.read(tmp_path / "a.wav").shape == (8_000,)
    write_sound(tmp_path / "b.wav").rename(tmp_path / "b.raw")
    assert audio.info(tmp_path / "b.raw").format == "WAV"


@pytest.mark.parametrize("rate", [0, 3, 4_000_000])
def test_impossible_sampling_rate(tmp_path, write_sound, rate):
    path = write_sound(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"sampling rate of|damaged"):
        audio.info(path)


@pytest.mark.parametrize(
    "head", [b"RIFF", b"FORM", b"NIST_1A\n", b"fLaC", b"OggS", b"RIFF\0\0\0\0WAVE", b"NIST_1A\n   x\nsample_count -i y\n"]
)
def test_a_header_that_breaks_off(tmp_path, head):
    (tmp_path / "a.wav").write_bytes(head)
    with pytest.raises(DataError, match=r"a\.wav"):
        audio.info(tmp_path / "a.wav")


def test_shorten_is_named(tmp_path):
    header = b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n"
    (tmp_path / "a.sph").write_bytes(header.ljust(1024) + b"\xff" * 100)
    with pytest.raises(DataError, match="shorten"):
        audio.read(tmp_path / "a.sph")


@pytest.mark.parametrize("order", ["big", "little"])
def test_headerless_byte_order_is_guessed_and_said(tmp_path, sound, caplog, order):
    audio_headers._say_byte_order.cache_clear()
    samples = np.round(sound(16_000) * 32767)
    (tmp_path / "a.raw").write_bytes(samples.astype(">i2" if order == "big" else "<i2").tobytes())
    with caplog.at_level(logging.INFO, "speechrnn"):
        np.testing.assert_allclose(audio.read(tmp_path / "a.raw"), samples / 32768)
        audio.read(tmp_path / "a.raw")
    assert [f"{order}-endian" in message for message in caplog.messages] == [True]


def test_a_very_quiet_headerless_recording(tmp_path, sound):
    samples = np.round(sound(16_000) * 100)
    (tmp_path / "a.raw").write_bytes(samples.astype(">i2").tobytes())
    np.testing.assert_allclose(audio.read(tmp_path / "a.raw"), samples / 32768)


def test_headerless_with_an_odd_number_of_bytes(tmp_path):
    (tmp_path / "a.raw").write_bytes(b"\0" * 101)
    with pytest.raises(DataError, match="odd number of bytes"):
        audio.read(tmp_path / "a.raw")


def test_swapped_bytes_under_a_header_are_noticed(tmp_path, sound, caplog):
    swapped = np.round(sound(16_000) * 32767).astype("<i2").byteswap()
    soundfile.write(tmp_path / "swapped.wav", swapped, 16_000)
    soundfile.write(tmp_path / "right.wav", sound(16_000), 16_000)
    noise = np.random.default_rng(0).standard_normal(16_000) * 0.2
    soundfile.write(tmp_path / "noise.wav", noise, 16_000)
    with caplog.at_level(logging.WARNING, "speechrnn"):
        for name in ("right", "noise", "swapped"):
            audio.read(tmp_path / f"{name}.wav")
    assert len(caplog.messages) == 1
    assert "swapped.wav" in caplog.messages[0]
    assert "other byte order" in caplog.messages[0]


@pytest.mark.corpus
def test_an4_read_the_wrong_way_is_noticed(shared_data, tmp_path):
    files = sorted((shared_data("an4") / "wav" / "an4test_clstk").rglob("*.flac"))
    for path in files[::10]:
        samples, _ = soundfile.read(path, dtype="int16")
        for order in ("<i2", ">i2"):
            (tmp_path / "a.raw").write_bytes(samples.astype(order).tobytes())
            np.testing.assert_array_equal(audio.read(tmp_path / "a.raw"), samples / np.float32(32768))


@pytest.mark.parametrize("suffix", FORMATS)
def test_blocks_are_the_whole_bit_for_bit(tmp_path, write_sound, suffix, monkeypatch):
    path = write_sound(tmp_path / f"a.{suffix}", seconds=2.3)
    whole = audio.read(path)
    monkeypatch.setattr(audio, "_BLOCK", 1000)
    blocks = list(audio.read_blocks(path))
    assert {len(block) for block in blocks[:-1]} == {1000}
    # The MP3 decoder rounds differently from call to call.
    exact = 1e-7 if suffix == "mp3" else 0
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=exact, rtol=0)
    stretch = np.concatenate(list(audio.read_blocks(path, offset=777, num_samples=5000)))
    np.testing.assert_allclose(stretch, whole[777:5777], atol=exact, rtol=0)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(8_000, 16_000), (44_100, 16_000), (48_000, 8_000), (11_025, 16_000), (16_000, 16_000)]
)
def test_resampling_in_blocks_equals_resampling_the_whole(tmp_path, write_sound, rate, wanted, monkeypatch):
    path = write_sound(tmp_path / "a.wav", seconds=3.21, rate=rate)
    whole = audio.read(path, sampling_rate=wanted)
    assert len(whole) == round(audio.info(path).num_samples * wanted / rate)
    monkeypatch.setattr(audio, "_BLOCK", 1237)
    blocks = np.concatenate(list(audio.read_blocks(path, sampling_rate=wanted)))
    assert len(blocks) == len(whole)
    np.testing.assert_allclose(blocks, whole, atol=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 exist on Linux only")
def test_a_name_that_is_no_utf_8_is_read(tmp_path, write_sound):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write_sound(tmp_path / "a.wav").rename(path)
    assert audio.info(path).num_samples == len(audio.read(path))
