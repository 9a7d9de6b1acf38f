"""The only place that opens sound: what a file holds, its samples, and resampling. Samples are float32 in [-1, 1).

What a file is, is decided by its content, not its name; only a ``.raw`` file without any header is taken as AN4's
publisher ships them: 16 kHz, 16 bit, mono, the byte order guessed from the signal. Float files keep their own level.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn.atomic import atomic_path
from speechrnn.audio_headers import MAGIC, RAW_RATE, check_promise, notice_swapped_bytes, raw_byte_order, reason
from speechrnn.errors import DataError

if TYPE_CHECKING:
    import numpy as np

MAX_CHANNELS = 8
"""More are refused: such files come from microphone arrays or are not sound at all."""
MIN_RATE, MAX_RATE = 1_000, 384_000
"""Plausible sampling rates (Hz)."""
_BLOCK = 480_000
"""Samples decoded at a time: half a minute of speech, so that a recording of hours needs no more memory than one of a minute."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of one recording: what is transcribed and trained on.

    Attributes:
        id: utterance id; unique within a manifest.
        path: the audio file.
        offset: first sample, at the file's own rate.
        num_samples: how many; ``None`` to the end.
        channel: index from 0; ``None`` is the mean of all.
        speaker: label or empty; recordings of one speaker share statistics where a model normalizes by speaker.
    """

    id: str
    path: Path
    offset: int = 0
    num_samples: int | None = None
    channel: int | None = None
    speaker: str = ""

    @property
    def voice(self) -> str:
        """Whose statistics the clip shares: its speaker's, or, without a label, its file's."""
        return f"speaker:{self.speaker}" if self.speaker else f"file:{self.path}"


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
    with _opened(Path(path)) as file:
        return _describe(file, Path(path))


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
    import numpy as np

    if sampling_rate is not None:
        return resample(
            read(path, offset=offset, num_samples=num_samples, channel=channel), info(path).sampling_rate, sampling_rate
        )
    return np.concatenate(list(read_blocks(path, offset=offset, num_samples=num_samples, channel=channel)))


def read_blocks(
    path: str | Path,
    *,
    offset: int = 0,
    num_samples: int | None = None,
    channel: int | None = None,
    sampling_rate: int | None = None,
) -> Iterator[np.ndarray]:
    """The samples of :func:`read` in blocks of about half a minute, each float32 of shape (S,); one is in memory at a time.

    Raises:
        DataError: as :func:`read`; damage is found when its block is reached.
    """
    found = info(path)
    mono = _read_blocks(Path(path), found, offset, num_samples, channel)
    yield from mono if sampling_rate is None else resample_blocks(mono, found.sampling_rate, sampling_rate)


def _read_blocks(path: Path, found: AudioInfo, offset: int, num_samples: int | None, channel: int | None) -> Iterator[np.ndarray]:
    """Blocks at the file's own rate, each (S,)."""
    wanted = found.num_samples - offset if num_samples is None else num_samples
    if offset < 0 or wanted <= 0 or offset + wanted > found.num_samples:
        raise DataError(
            f"{path}: samples {offset}-{offset + wanted} asked for, the file has {found.num_samples}",
            "the manifest and the file disagree: prepare or import the data anew",
        )
    with _opened(path) as file:
        if found.format == "MPEG":
            # A frame borrows bits from those before it: after a seek, as soundfile does after every read, samples are others.
            file.seekable = lambda: False
            for start in range(0, offset, _BLOCK):
                _decode(file, path, found, start, min(_BLOCK, offset - start))
        elif offset:
            file.seek(offset)
        for start in range(offset, offset + wanted, _BLOCK):
            samples = _decode(file, path, found, start, min(_BLOCK, offset + wanted - start))
            mono = _pick_channel(samples, channel, path)
            if start == offset and found.subtype == "PCM_16" and found.format != "RAW":
                notice_swapped_bytes(mono, path)
            yield mono


def verify(path: str | Path) -> AudioInfo:
    """Decode a file from end to end, keeping nothing; what :func:`info` cannot see is found here.

    Raises:
        DataError: as :func:`read`; every sample is 0, so whatever was said is not in it.
    """
    found = info(path)
    heard = False
    for block in _read_blocks(Path(path), found, 0, None, None):
        heard = heard or bool(block.any())
    if not heard:
        raise DataError(f"{path}: silence, every sample is 0", "fetch or export it again, or leave it out")
    return found


def read_clip(clip: Clip, sampling_rate: int | None = None) -> np.ndarray:
    """Samples of a clip at ``sampling_rate`` (Hz; ``None``: the file's), float32, shape (S,)."""
    return read(clip.path, offset=clip.offset, num_samples=clip.num_samples, channel=clip.channel, sampling_rate=sampling_rate)


def read_clip_blocks(clip: Clip, sampling_rate: int | None = None) -> Iterator[np.ndarray]:
    """The samples of :func:`read_clip` in blocks, as :func:`read_blocks`."""
    return read_blocks(
        clip.path, offset=clip.offset, num_samples=clip.num_samples, channel=clip.channel, sampling_rate=sampling_rate
    )


def write(path: str | Path, samples: np.ndarray, sampling_rate: int) -> None:
    """Write float32 samples of shape (S,), or (S, channels), as 16 bit; the format by the suffix, ``.flac`` or ``.wav``.

    Whole or not at all, like every file of ours.

    Raises:
        DataError: the disk is full or the folder cannot be written; what stood at ``path`` is untouched.
    """
    import numpy as np
    import soundfile

    whole = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    try:
        with atomic_path(Path(path)) as temporary:
            soundfile.write(temporary, whole, sampling_rate, subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"{path}: could not be written: {error.error_string}", "free some space or choose another folder"
        ) from error


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Anti-aliased resampling of float32 samples of shape (S,); the result has ``round(S * to_rate / from_rate)`` samples."""
    import numpy as np
    import soxr

    if from_rate == to_rate:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)


class Resampler:
    """What :func:`resample` makes of a whole recording, from samples that arrive bit by bit."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ") if from_rate != to_rate else None

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """The samples that some samples (S,) float32 complete; the filter holds the last ones back."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def finish(self) -> np.ndarray:
        """The last samples."""
        import numpy as np

        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def resample_blocks(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """What :func:`resample` makes of all blocks (S,) together, in blocks."""
    resampler = Resampler(from_rate, to_rate)
    for block in blocks:
        yield resampler.feed(block)
    yield resampler.finish()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a sound file after the checks that need no decoder; what goes wrong while it is open is told in our words."""
    import soundfile

    if path.is_dir():
        raise DataError(f"{path}: a folder, not an audio file", "give the files in it, or the folder where a command takes folders")
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path}: empty (0 bytes)", "fetch or copy the file again")
        with path.open("rb") as stream:
            head = stream.read(12)
            check_promise(stream, head, size, path)
        if path.suffix.lower() == ".raw" and not head.startswith(MAGIC):
            with soundfile.SoundFile(
                _name(path), samplerate=RAW_RATE, channels=1, subtype="PCM_16", endian=raw_byte_order(path)
            ) as file:
                yield file
        elif path.suffix.lower() == ".raw":
            with path.open("rb") as stream, soundfile.SoundFile(stream.fileno(), closefd=False) as file:
                yield file
        else:
            with soundfile.SoundFile(_name(path)) as file:
                yield file
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file", "check the path; a relative path in a manifest starts at the manifest's folder"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "check the file's permissions") from error
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path}: {reason(path, error)}", "convert it to WAV or FLAC, or leave it out") from error


def _name(path: Path) -> Path | bytes:
    """A path as soundfile takes it: as bytes where names may be no UTF-8, which it cannot encode."""
    return path if os.name == "nt" else os.fsencode(path)


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


def _decode(file: Any, path: Path, found: AudioInfo, offset: int, wanted: int) -> np.ndarray:
    """The next ``wanted`` samples, the first of which is number ``offset`` of the file; shape (S, channels)."""
    import numpy as np

    samples: np.ndarray = file.read(wanted, dtype="float32", always_2d=True)
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
    return samples


def _pick_channel(samples: np.ndarray, channel: int | None, path: Path) -> np.ndarray:
    import numpy as np

    channels = samples.shape[1]
    if channel is None:
        return np.ascontiguousarray(samples[:, 0]) if channels == 1 else samples.mean(axis=1, dtype=np.float32)
    if not 0 <= channel < channels:
        raise DataError(f"{path}: channel {channel} asked for, the file has {channels}", f"channels count from 0 to {channels - 1}")
    return np.ascontiguousarray(samples[:, channel])
