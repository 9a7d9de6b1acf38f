"""The only place that opens sound: what a file holds, its samples, and resampling. Samples are float32 in [-1, 1).

What a file is, is decided by its content, not its name; only a ``.raw`` file without any header is taken as AN4's
publisher ships them: 16 kHz, 16 bit, mono, the byte order guessed from the signal. Float files keep their own level.
"""

from __future__ import annotations

import functools
import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from speechrnn.errors import DataError

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("speechrnn")

MAX_CHANNELS = 8
"""More are refused: such files come from microphone arrays or are not sound at all."""
MIN_RATE, MAX_RATE = 1_000, 384_000
"""Plausible sampling rates (Hz)."""
RAW_RATE = 16_000
"""Rate (Hz) of headerless ``.raw`` files."""
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b"NIST", b"ID3", b".snd", b"caff")
_UNKNOWN_SIZES = {0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFE}
"""Data sizes that programs write into a WAV header when they stream and do not know the end."""
_ROUGH = 0.7
"""Energy of the signal's differences over its own energy: speech stays well below, white noise is at 2."""
_LOUD = 0.05
"""Root mean square above which a rough signal is looked at twice."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of one recording: what is transcribed and trained on.

    Attributes:
        id: utterance id; unique within a manifest.
        path: the audio file.
        offset: first sample, at the file's own rate.
        num_samples: how many; ``None`` to the end.
        channel: index from 0; ``None`` is the mean of all.
    """

    id: str
    path: Path
    offset: int = 0
    num_samples: int | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file's header promises: rate (Hz), samples per channel, channels, container and encoding."""

    sampling_rate: int
    num_samples: int
    channels: int
    format: str
    subtype: str

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sampling_rate


def info(path: str | Path) -> AudioInfo:
    """Read a file's header, without its samples.

    Raises:
        DataError: missing, a folder, empty, not audio, without samples, cut short, with more than 8 channels or an
            impossible sampling rate.
    """
    found: AudioInfo = _with_file(Path(path), _describe)
    return found


def read(
    path: str | Path,
    *,
    offset: int = 0,
    num_samples: int | None = None,
    channel: int | None = None,
    sampling_rate: int | None = None,
) -> np.ndarray:
    """Samples of one channel, float32, shape (S,).

    Args:
        path: the audio file.
        offset: first sample, at the file's own rate.
        num_samples: how many at the file's own rate; ``None`` to the end.
        channel: index from 0; ``None`` is the mean of all channels.
        sampling_rate: rate (Hz) of the result; ``None`` keeps the file's.

    Raises:
        DataError: as :func:`info`; damaged or cut short, NaN or infinite samples, a stretch or channel that is not there.
    """
    path = Path(path)
    found, samples = _with_file(path, lambda file, path: _samples(file, path, offset, num_samples))
    mono = _pick_channel(samples, channel, path)
    if found.subtype == "PCM_16" and found.format != "RAW":
        _notice_swapped_bytes(mono, path)
    return mono if sampling_rate is None else resample(mono, found.sampling_rate, sampling_rate)


def read_clip(clip: Clip, sampling_rate: int | None = None) -> np.ndarray:
    """Samples of a clip at ``sampling_rate`` (Hz; ``None``: the file's), float32, shape (S,)."""
    return read(clip.path, offset=clip.offset, num_samples=clip.num_samples, channel=clip.channel, sampling_rate=sampling_rate)


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Anti-aliased resampling of float32 samples of shape (S,); the result has ``round(S * to_rate / from_rate)`` samples."""
    import numpy as np
    import soxr

    if from_rate == to_rate:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)


def _with_file(path: Path, use: Callable[[Any, Path], Any]) -> Any:
    """Open a sound file after the checks that need no decoder, and hand it to ``use``."""
    import soundfile

    if path.is_dir():
        raise DataError(f"{path}: a folder, not an audio file", "give the files in it, or the folder where a command takes folders")
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path}: empty (0 bytes)", "fetch or copy the file again")
        with path.open("rb") as stream:
            head = stream.read(12)
            _check_promise(stream, head, size, path)
        if path.suffix.lower() == ".raw" and not head.startswith(_MAGIC):
            with soundfile.SoundFile(path, samplerate=RAW_RATE, channels=1, subtype="PCM_16", endian=_raw_byte_order(path)) as file:
                return use(file, path)
        if path.suffix.lower() == ".raw":
            with path.open("rb") as stream, soundfile.SoundFile(stream) as file:
                return use(file, path)
        with soundfile.SoundFile(path) as file:
            return use(file, path)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file", "check the path; a relative path in a manifest starts at the manifest's folder"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "check the file's permissions") from error
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path}: {_reason(path, error)}", "convert it to WAV or FLAC, or leave it out") from error


def _reason(path: Path, error: Any) -> str:
    head = path.read_bytes()[:4096]
    if b"\0" not in head and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return f"text, not audio, in spite of its name (it begins {head[:24].decode('utf-8', 'replace')!r})"
    if head.startswith(b"NIST") and b"shorten" in head:
        return "a NIST file compressed with shorten, which is not supported; expand it with sph2pipe"
    known = "damaged or cut short" if head.startswith(_MAGIC) else "not audio in a known format"
    return f"{known} ({str(error.error_string).rstrip('.')})"


def _check_promise(stream: BinaryIO, head: bytes, size: int, path: Path) -> None:
    """Raise where a header promises more bytes than the file has; the decoder would silently read fewer samples."""
    promised = 0
    if head[:4] in (b"RIFF", b"RIFX") and head[8:] == b"WAVE":
        promised = _wav_end(stream, "<" if head[:4] == b"RIFF" else ">", size)
    elif head[:4] == b"FORM":
        promised = 8 + struct.unpack(">I", head[4:8])[0]
    elif head[:7] == b"NIST_1A":
        stream.seek(0)
        fields = dict(line.split(b" ", 2)[::2] for line in stream.read(1024).split(b"\n") if line.count(b" ") >= 2)
        width = (int(fields.get(name, b"0")) for name in (b"sample_count", b"channel_count", b"sample_n_bytes"))
        samples, channels, sample_bytes = width
        plain = fields.get(b"sample_coding", b"pcm") in (b"pcm", b"ulaw", b"alaw")
        promised = 1024 + samples * channels * sample_bytes if plain else 0
    if promised > size:
        raise DataError(
            f"{path}: cut short: its header promises {promised:,} bytes, the file has {size:,}",
            "fetch or copy the file again, or leave it out",
        )


def _wav_end(stream: BinaryIO, order: str, size: int) -> int:
    """Where the data chunk of a WAV file ends (bytes); 0 where the header does not say."""
    position = 12
    while position + 8 <= size:
        stream.seek(position)
        name, length = struct.unpack(f"{order}4sI", stream.read(8))
        if name == b"data":
            return 0 if length in _UNKNOWN_SIZES else position + 8 + length
        position += 8 + length + length % 2
    return 0


def _describe(file: Any, path: Path) -> AudioInfo:
    found = AudioInfo(file.samplerate, file.frames, file.channels, file.format, file.subtype)
    if not MIN_RATE <= found.sampling_rate <= MAX_RATE:
        raise DataError(
            f"{path}: a sampling rate of {found.sampling_rate} Hz, outside {MIN_RATE}-{MAX_RATE}",
            "its header is wrong: convert it anew",
        )
    if found.channels > MAX_CHANNELS:
        raise DataError(
            f"{path}: {found.channels} channels; at most {MAX_CHANNELS} are read", "extract the channels you need into a new file"
        )
    if found.num_samples <= 0:
        raise DataError(f"{path}: holds no samples", "the file is empty or cut short: fetch or record it again, or leave it out")
    return found


def _samples(file: Any, path: Path, offset: int, num_samples: int | None) -> tuple[AudioInfo, np.ndarray]:
    """Header and decoded samples, shape (S, channels)."""
    import numpy as np

    found = _describe(file, path)
    wanted = found.num_samples - offset if num_samples is None else num_samples
    if offset < 0 or wanted <= 0 or offset + wanted > found.num_samples:
        raise DataError(
            f"{path}: samples {offset}-{offset + wanted} asked for, the file has {found.num_samples}",
            "the manifest and the file disagree: prepare or import the data anew",
        )
    if offset:
        file.seek(offset)
    samples = file.read(wanted, dtype="float32", always_2d=True)
    if len(samples) < wanted:
        raise DataError(
            f"{path}: cut short: its header promises {found.num_samples} samples, decoding stopped at {offset + len(samples)}",
            "fetch or copy the file again, or leave it out",
        )
    if not np.isfinite(samples).all():
        at = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0]) + offset
        raise DataError(
            f"{path}: a NaN or infinite sample at {at} ({at / found.sampling_rate:.2f} s)", "repair the file or leave it out"
        )
    return found, samples


def _pick_channel(samples: np.ndarray, channel: int | None, path: Path) -> np.ndarray:
    import numpy as np

    channels = samples.shape[1]
    if channel is None:
        return np.ascontiguousarray(samples[:, 0]) if channels == 1 else samples.mean(axis=1, dtype=np.float32)
    if not 0 <= channel < channels:
        raise DataError(f"{path}: channel {channel} asked for, the file has {channels}", f"channels count from 0 to {channels - 1}")
    return np.ascontiguousarray(samples[:, channel])


def _raw_byte_order(path: Path) -> str:
    """Guess ``big`` or ``little`` from the first minute: read the wrong way, neighbouring samples differ wildly."""
    import numpy as np

    if path.stat().st_size % 2:
        raise DataError(
            f"{path}: an odd number of bytes, so not 16 bit samples",
            "headerless audio is read as 16 kHz 16 bit mono: convert others to WAV",
        )
    data = np.fromfile(path, dtype="<i2", count=60 * RAW_RATE)
    order = "little" if _difference_energy(data) < _difference_energy(data.byteswap()) else "big"
    logger.debug("%s: no header; %s-endian as the signal shows", path, order)
    _say_byte_order_once(order)
    return order


@functools.cache
def _say_byte_order_once(order: str) -> None:
    logger.info("headerless .raw audio is read as 16 kHz 16 bit mono, %s-endian as the signal shows", order)


def _difference_energy(data: np.ndarray) -> float:
    """Mean squared difference of neighbouring 16 bit samples, shape (S,)."""
    import numpy as np

    return float(np.square(np.diff(data.astype(np.float32))).mean()) if len(data) > 1 else 0.0


def _notice_swapped_bytes(samples: np.ndarray, path: Path) -> None:
    """Warn where a file with a header is loud noise as it stands and a smooth signal with its bytes swapped."""
    import numpy as np

    energy = float(np.square(samples - samples.mean()).mean())
    if energy < _LOUD**2 or float(np.square(np.diff(samples)).mean() if len(samples) > 1 else 0.0) < _ROUGH * energy:
        return
    data = np.round(samples * 32768).astype("<i2")
    if _difference_energy(data.byteswap()) * 16 < _difference_energy(data):
        logger.warning(
            "%s: loud noise as its header says, a smooth signal in the other byte order; correct the header or convert anew", path
        )
