"""Utterances to padded batches: audio, speed, front-end (kept in memory), masks, targets."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from speechrnn.audio import Clip, read_clip
from speechrnn.audio_band import level_db
from speechrnn.data.augment import change_speed, draw_gain, draw_speed
from speechrnn.data.randomness import generator
from speechrnn.features.frontend import FrontEnd
from speechrnn.features.specaugment import SpecAugmentOptions, plan_masks
from speechrnn.training.ahead import ahead


class Batch(NamedTuple):
    """B utterances; letters as in the docs: T frames, F features, L labels.

    frames (B, T, F) float32, not yet normalized, zero beyond lengths; lengths (B,); targets (B, L) padded with 0;
    target_lengths (B,); time_masks (B, m, 2) and frequency_masks (B, n, 2), half-open; speaker (B, 2, F) moments or None;
    indices (B,) into the data set; weights (B,), 0 for a stand-in that must not count; total: utterances in the joint
    batch of all devices.
    """

    frames: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor
    time_masks: Tensor
    frequency_masks: Tensor
    speaker: Tensor | None
    indices: Tensor
    weights: Tensor
    total: Tensor


@dataclass(frozen=True, slots=True)
class Item:
    """One utterance ready for training: its clip, targets (token ids, a class, a number), the same as text, and samples at the
    model's rate."""

    clip: Clip
    targets: tuple[Any, ...]
    text: str
    n_samples: int


class FrameCache:
    """Front-end frames by (clip, speed), float32, until ``limit_mb`` is full."""

    def __init__(self, frontend: FrontEnd, sampling_rate: int, limit_mb: int) -> None:
        # Its own: the model's goes to the device it is trained on, and frames are made beside that.
        self.frontend, self.sampling_rate = copy.deepcopy(frontend), sampling_rate
        self.left = limit_mb * 1_000_000
        self.levels_db: dict[Clip, float | None] = {}
        """How loud is what was read."""
        self.kept: dict[tuple[Clip, float], Tensor] = {}

    def frames(self, clip: Clip, speed: float = 1.0) -> Tensor:
        """Frames (T, F) of a clip played at ``speed``."""
        found = self.kept.get((clip, speed))
        if found is not None:
            return found
        read = read_clip(clip, self.sampling_rate)
        if clip not in self.levels_db:
            self.levels_db[clip] = level_db(read)
        samples = torch.from_numpy(change_speed(read, speed, self.sampling_rate))
        with torch.inference_mode():
            frames: Tensor = self.frontend(samples[None], torch.tensor([len(samples)]))[0][0]
        size = frames.numel() * 4
        if size <= self.left:
            self.left -= size
            self.kept[clip, speed] = frames
        return frames

    def audible(self, clip: Clip) -> Tensor:
        """Frames (T, F) of a clip without those of digital silence."""
        return self.frontend.loudness.audible(self.frames(clip))


class FrameDataset:
    """Indexed by a whole batch: (epoch, indices, joint batch size) of a plan.

    Args:
        items: the utterances.
        targets: of an item at a speed, which has so many frames then, (L,).
        cache: where frames come from.
        speeds: drawn from while training; (1.0,) otherwise.
        gain_db: gains are drawn from between these; (0, 0) otherwise.
        specaugment: masks, or None.
        seed: of speeds, gains and masks.
        speaker_moments: by voice, (2, F), for normalization by speaker.
    """

    def __init__(
        self,
        items: Sequence[Item],
        targets: Callable[[Item, float, int], np.ndarray],
        cache: FrameCache,
        *,
        speeds: Sequence[float] = (1.0,),
        gain_db: Sequence[float] = (0.0, 0.0),
        specaugment: SpecAugmentOptions | None = None,
        seed: int = 0,
        speaker_moments: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.items, self.targets, self.cache = items, targets, cache
        self.speeds, self.gain_db, self.specaugment, self.seed = tuple(speeds), tuple(gain_db), specaugment, seed
        self.speaker_moments = speaker_moments
        self.at_slowest: frozenset[int] = frozenset()

    def speed(self, epoch: int, index: int) -> float:
        """The speed an utterance is played at in an epoch."""
        if epoch == 0 and index in self.at_slowest:
            return min(self.speeds)
        return draw_speed(self.speeds, self.seed, epoch, self.items[index].clip.id) if len(self.speeds) > 1 else self.speeds[0]

    def __getitem__(self, key: tuple[int, np.ndarray, np.ndarray, int]) -> Batch:
        epoch, indices, weights, total = key
        items = [self.items[i] for i in indices]
        speeds = [self.speed(epoch, int(i)) for i in indices]
        frames = [self._frames(epoch, item.clip, speed) for item, speed in zip(items, speeds, strict=True)]
        targets = [
            torch.from_numpy(self.targets(item, speed, len(x))) for item, speed, x in zip(items, speeds, frames, strict=True)
        ]
        masks = [self._masks(epoch, item.clip.id, *x.shape) for item, x in zip(items, frames, strict=True)]
        speaker = None
        if self.speaker_moments is not None:
            speaker = torch.from_numpy(np.stack([self.speaker_moments[item.clip.voice] for item in items]))
        return Batch(
            frames=torch.nn.utils.rnn.pad_sequence(frames, batch_first=True),
            lengths=torch.tensor([len(x) for x in frames]),
            targets=torch.nn.utils.rnn.pad_sequence(targets, batch_first=True),
            target_lengths=torch.tensor([len(target) for target in targets]),
            time_masks=_pad_intervals([time for time, _ in masks]),
            frequency_masks=_pad_intervals([frequency for _, frequency in masks]),
            speaker=speaker,
            indices=torch.from_numpy(np.asarray(indices)),
            weights=torch.from_numpy(weights),
            total=torch.tensor(float(total)),
        )

    def _frames(self, epoch: int, clip: Clip, speed: float) -> Tensor:
        gain = draw_gain(self.gain_db, self.seed, epoch, clip.id) if any(self.gain_db) else 0.0
        return self.cache.frontend.loudness.louder(self.cache.frames(clip, speed), gain)

    def _masks(self, epoch: int, utterance_id: str, n_frames: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
        if self.specaugment is None:
            return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
        return plan_masks(self.specaugment, n_frames, n_features, generator(self.seed, "masks", epoch, utterance_id))


def _pad_intervals(intervals: Sequence[np.ndarray]) -> Tensor:
    """Intervals (m_i, 2) to (B, max m, 2); the filling is empty intervals, which mask nothing."""
    padded = np.zeros((len(intervals), max(len(x) for x in intervals), 2), np.int64)
    for row, x in zip(padded, intervals, strict=True):
        row[: len(x)] = x
    return torch.from_numpy(padded)


class BatchLoader:
    """The batches of one epoch's plan that are this rank's, from batch ``start`` on, prepared ahead by threads.

    Threads, not processes: reading, resampling and transforms release the interpreter, the cache stays one, and nothing is
    pickled. Order and content do not depend on their number. The length is the whole epoch's, so that a resumed epoch counts
    on where it was.
    """

    def __init__(
        self,
        dataset: FrameDataset,
        plan: Sequence[np.ndarray],
        epoch: int,
        *,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        threads: int = 0,
    ) -> None:
        self.dataset, self.plan, self.epoch, self.start, self.rank, self.world = dataset, plan, epoch, start, rank, world
        self.threads = threads

    def __len__(self) -> int:
        return len(self.plan)

    def _keys(self) -> Iterator[tuple[int, np.ndarray, np.ndarray, int]]:
        for batch in self.plan[self.start :]:
            mine = batch[self.rank :: self.world]
            weights = np.ones(max(len(mine), 1), np.float32)
            if not len(mine):
                # Every rank must take part in every step: a stand-in of weight 0.
                mine, weights = batch[:1], np.zeros(1, np.float32)
            yield self.epoch, mine, weights, len(batch)

    def __iter__(self) -> Iterator[Batch]:
        return ahead(self.dataset.__getitem__, self._keys(), self.threads)
