"""Recordings to log posteriors: short ones in batches of equal length, long ones by themselves, in the order given."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from speechrnn.audio import Clip
from speechrnn.audio_band import BandGuard
from speechrnn.errors import DataError
from speechrnn.features.normalization import Statistics
from speechrnn.inference.long import Finder, long_posteriors
from speechrnn.inference.network import Network
from speechrnn.inference.sound import Sound, sound_of

AHEAD = 256
"""Most recordings read ahead and sorted by length."""
AHEAD_S = 1800
"""Most seconds of them."""
MAX_BATCH_S = 240
"""Most seconds, padding counted in, that go through the network at once."""


class Listener:
    """What a network hears of recordings.

    Args:
        network: any.
        find: the stretches of speech in long recordings; by default those between pauses.
    """

    def __init__(self, network: Network, find: Finder | None = None) -> None:
        self.network = network
        self._find = find
        self._guard = BandGuard(network.sampling_rate, network.levels_db)

    def posteriors(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Sound, Iterable[np.ndarray]]]:
        """Recordings in the order given, with their log posteriors in parts (T, K), to be taken before the next recording."""
        waiting = deque(Clip(str(item), Path(item)) if isinstance(item, str | Path) else item for item in audio)
        speakers = self._speaker_moments(waiting) if self.network.normalization == "speaker" else {}

        def failed(item: Clip | Sound, error: DataError) -> None:
            if on_error is None:
                raise error
            on_error(item if isinstance(item, Clip) else item.clip, error)
            if progress:
                progress(1)

        while waiting:
            short, long = self._read(waiting, failed)
            sizes = [len(samples) for _, samples in short]
            results: dict[int, np.ndarray] = {}
            for batch in _batches(sizes, batch_size, MAX_BATCH_S * self.network.sampling_rate):
                moments = [speakers[short[i][0].clip.voice] for i in batch] if speakers else None
                results.update(zip(batch, self.network.batch([short[i][1] for i in batch], moments), strict=True))
                if progress:
                    progress(len(batch))
            for i, (sound, _) in enumerate(short):
                yield sound, [results.pop(i)]
            if long is not None:
                yield long, long_posteriors(self.network, long, speakers.get(long.clip.voice), self._find)
                if progress:
                    progress(1)

    def _read(
        self, waiting: deque[Clip | Sound], failed: Callable[[Clip | Sound, DataError], None]
    ) -> tuple[list[tuple[Sound, np.ndarray]], Sound | None]:
        """Take the next short recordings with their samples (S,), up to the first long one, which is left unread."""
        short: list[tuple[Sound, np.ndarray]] = []
        seconds = 0.0
        while waiting and len(short) < AHEAD and seconds < AHEAD_S:
            item = waiting.popleft()
            try:
                sound = self.sound(item)
                is_long = sound.num_samples > self.network.windows.samples
                samples = next(sound.blocks()) if is_long else sound.samples()
            except DataError as error:
                failed(item, error)
                continue
            self._guard.look(sound.clip.id, sound.rate, samples)
            if is_long:
                return short, sound
            short.append((sound, samples))
            seconds += len(samples) / self.network.sampling_rate
        return short, None

    def sound(self, audio: str | Path | Clip | np.ndarray | Sound, sample_rate: int | None = None) -> Sound:
        """A recording as the model hears it; raises as :func:`speechrnn.inference.sound.sound_of`."""
        return sound_of(audio, sample_rate, self.network.sampling_rate, self.network.least_samples)

    def _speaker_moments(self, items: Iterable[Clip | Sound]) -> dict[str, np.ndarray]:
        """Mean and deviation (2, F) by voice, of all that can be read; a clip without a label is a voice of its own."""
        found: dict[str, Statistics] = {}
        for item in items:
            with contextlib.suppress(DataError):
                sound = self.sound(item)
                self.network.count_frames(found.setdefault(sound.clip.voice, Statistics()), sound.blocks())
        return {speaker: statistics.moments() for speaker, statistics in found.items() if statistics.begun}


def _batches(sizes: list[int], batch_size: int, most: float) -> Iterator[list[int]]:
    """Indices of ``sizes``, the largest first, in batches of at most ``batch_size`` and ``most`` padded samples."""
    batch: list[int] = []
    for index in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        if batch and (len(batch) == batch_size or sizes[batch[0]] * (len(batch) + 1) > most):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
