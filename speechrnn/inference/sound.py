"""A recording on its way to a model: a path, a clip or samples, read in blocks at the model's rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speechrnn import audio as files
from speechrnn.audio import Clip
from speechrnn.errors import DataError, UsageError

_BLOCK = 480_000
"""Samples of an array handed on at a time."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as a model hears it.

    Attributes:
        clip: what it is called, and whose voice it is.
        rate: Hz, before it is resampled.
        model_rate: Hz, of its samples.
        num_samples: at that rate.
        blocks: begins it anew: its samples at the model's rate, each (S,).
    """

    clip: Clip
    rate: int
    model_rate: int
    num_samples: int
    blocks: Callable[[], Iterator[np.ndarray]]

    def samples(self) -> np.ndarray:
        """All samples at the model's rate, (S,)."""
        return np.concatenate(list(self.blocks()))


def sound_of(audio: str | Path | Clip | np.ndarray | Sound, rate: int | None, model_rate: int, least: int) -> Sound:
    """What a user gives as a recording: a path, a clip, samples (S,) at ``rate`` (Hz), or a sound already; see :func:`of_clip`.

    Raises:
        DataError, UsageError: as :func:`of_clip` and :func:`of_samples`.
    """
    if isinstance(audio, str | Path):
        audio = Clip(str(audio), Path(audio))
    if isinstance(audio, Clip):
        return of_clip(audio, model_rate, least)
    if isinstance(audio, Sound):
        return audio
    if not isinstance(audio, np.ndarray):
        raise UsageError(f"a {type(audio).__name__} is no recording", "give a path, a Clip, or float samples (S,) as a NumPy array")
    return of_samples(audio, rate, model_rate, least)


def with_texts(
    items: Iterable[tuple[str | Path | Clip, str]],
    sound: Callable[[Clip], Sound],
    on_error: Callable[[Clip, DataError], None] | None,
) -> list[tuple[Sound, str]]:
    """Recordings that can be opened, by ``sound``, with their texts; the others raise, or are handed to ``on_error``."""
    found: list[tuple[Sound, str]] = []
    for audio, text in items:
        clip = audio if isinstance(audio, Clip) else Clip(str(audio), Path(audio))
        try:
            found.append((sound(clip), text))
        except DataError as error:
            if on_error is None:
                raise
            on_error(clip, error)
    return found


def of_clip(clip: Clip, model_rate: int, least: int) -> Sound:
    """A recording in a file.

    Args:
        clip: which.
        model_rate: Hz.
        least: fewest samples, at the model's rate, that can be heard.

    Raises:
        DataError: its header cannot be read; it is too short.
    """
    found = files.info(clip.path)
    size = found.num_samples - clip.offset if clip.num_samples is None else clip.num_samples
    _check_length(clip.id, size, found.sampling_rate, model_rate, least)
    return Sound(
        clip,
        found.sampling_rate,
        model_rate,
        _resampled_length(size, found.sampling_rate, model_rate),
        lambda: files.read_clip_blocks(clip, model_rate),
    )


def of_samples(samples: np.ndarray, rate: int | None, model_rate: int, least: int) -> Sound:
    """A recording in memory, samples (S,) at ``rate`` (Hz); the rest as :func:`of_clip`.

    Raises:
        DataError: too short.
        UsageError: no rate, or no samples.
    """
    if rate is None:
        raise UsageError("samples without sample_rate", "give sample_rate=, in Hz")
    checked = check_samples(samples)
    _check_length("samples", len(checked), rate, model_rate, least)

    def blocks() -> Iterator[np.ndarray]:
        parts = (checked[start : start + _BLOCK] for start in range(0, len(checked), _BLOCK))
        return files.resample_blocks(parts, rate, model_rate)

    return Sound(Clip("", Path()), rate, model_rate, _resampled_length(len(checked), rate, model_rate), blocks)


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Samples (S,) as float32.

    Raises:
        UsageError: not finite floats of one channel.
    """
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating) or not np.isfinite(samples).all():
        raise UsageError(
            f"samples of shape {samples.shape} and type {samples.dtype}, or not finite",
            "give finite floats in [-1, 1) of shape (S,), one channel",
        )
    return samples.astype(np.float32, copy=False)


def _resampled_length(size: int, rate: int, model_rate: int) -> int:
    """Samples that resampling makes of ``size``: halves are rounded up."""
    return (2 * size * model_rate + rate) // (2 * rate)


def _check_length(name: str, size: int, rate: int, model_rate: int, least: int) -> None:
    if _resampled_length(size, rate, model_rate) < least:
        raise DataError(
            f"{name}: {1000 * size / rate:.0f} ms of audio, less than one analysis window ({1000 * least / model_rate:.0f} ms)",
            "there is nothing to hear: leave it out, or record it again",
        )
