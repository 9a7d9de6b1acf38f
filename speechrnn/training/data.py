"""The Lightning data module: checked utterances, the frame cache, and the plan of each epoch."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from speechrnn.audio_band import LEVELS
from speechrnn.data.options import DataOptions
from speechrnn.data.plan import Limits, costliest, cut, padding_share, plan_epoch
from speechrnn.data.utterance import Utterance
from speechrnn.errors import listed
from speechrnn.features.normalization import moments
from speechrnn.models.acoustic import AcousticModel
from speechrnn.training.ahead import ahead
from speechrnn.training.batches import Batch, BatchLoader, FrameCache, FrameDataset, Item
from speechrnn.training.preflight import check_feasible
from speechrnn.training.tasks import Task

logger = logging.getLogger("speechrnn")
Tracker = Callable[[Iterable[Any], str, int], Iterator[Any]]


class SpeechData(pl.LightningDataModule):
    """Batches of a data directory.

    Args:
        options: data options.
        model: the model that is trained.
        task: utterances to targets.
        train, dev: utterances.
        seed: of order and augmentation.
        overfit_batches: use so many batches of the plan, for training and validation alike, without augmentation.
    """

    def __init__(
        self,
        options: DataOptions,
        model: AcousticModel,
        task: Task,
        train: list[Utterance],
        dev: list[Utterance],
        seed: int,
        overfit_batches: int = 0,
    ) -> None:
        super().__init__()
        self.options, self.seed = options, seed
        self.normalization = model.options.features.normalization.mode
        self.limits = Limits(options.batch_size, options.batch_s)
        self.resume_epoch, self.resume_batch = -1, 0
        self.levels_db: tuple[float, float] | None = None
        """The least and the greatest level that is trained on, where the model takes loudness as it is."""
        rate = model.options.sampling_rate
        speeds = (1.0,) if overfit_batches else options.speeds
        # Other normalizations take loudness away, those by speaker from recordings as they are.
        gains = options.gain_db if self.normalization in ("global", "none") and not overfit_batches else (0.0, 0.0)
        items = check_feasible(
            task.items(train, rate, "training data"), task, model, max(speeds), options.max_duration_s, "training data"
        )
        if overfit_batches:
            durations = np.array([item.n_samples / rate for item in items])
            items = [items[i] for i in np.concatenate(plan_epoch(durations, seed, 0, self.limits)[:overfit_batches])]
            dev_items = items
        else:
            dev_items = task.items(dev, rate, "dev data", strict=False)
            dev_items = check_feasible(dev_items, task, model, 1.0, float("inf"), "dev data", strict=False)
        cache = FrameCache(model.frontend, rate, options.cache_mb)
        specaugment = None if overfit_batches else model.options.features.specaugment
        self.train_set = FrameDataset(items, task.targets, cache, speeds=speeds, gain_db=gains, specaugment=specaugment, seed=seed)
        self.dev_set = FrameDataset(dev_items, task.targets, cache)
        self._durations = np.array([item.n_samples / rate for item in items])
        self._dev_durations = np.array([item.n_samples / rate for item in dev_items])
        self._costliest = costliest(self._durations / min(speeds), self.limits)
        self.train_set.at_slowest = frozenset(self._costliest.tolist())

    @property
    def train_items(self) -> list[Item]:
        """The utterances trained on."""
        return list(self.train_set.items)

    @property
    def dev_items(self) -> list[Item]:
        """The utterances validated on."""
        return list(self.dev_set.items)

    def fit_normalization(self, model: AcousticModel, track: Tracker) -> None:
        """Take the statistics the model's normalization needs: of train for global ones, of every speaker for those by speaker.

        Utterances of which nothing is heard are named; where no statistics are needed, nothing is read beforehand.
        """
        cache = self.train_set.cache
        items = self.train_set.items
        mute: set[str] = set()

        def audible(item: Item) -> np.ndarray:
            frames = cache.audible(item.clip).numpy()
            if not len(frames):
                mute.add(item.clip.id)
            return frames

        if self.normalization == "global":
            # Decoding compressed recordings takes most of the time and releases the interpreter.
            frames = ahead(audible, items, os.cpu_count() or 1)
            model.normalizer.moments.copy_(torch.from_numpy(moments(track(frames, "reading recordings", len(items)))))
            if known := [level for item in items if (level := cache.levels_db[item.clip]) is not None]:
                least, most = np.percentile(known, LEVELS).tolist()
                self.levels_db = least + self.train_set.gain_db[0], most + self.train_set.gain_db[1]
        elif self.normalization == "speaker":
            by_voice: dict[str, list[Item]] = {}
            for item in (*items, *self.dev_set.items):
                by_voice.setdefault(item.clip.voice, []).append(item)
            found = {
                voice: moments(map(audible, own))
                for voice, own in track(list(by_voice.items()), "reading recordings", len(by_voice))
            }
            self.train_set.speaker_moments = self.dev_set.speaker_moments = found
        if mute:
            logger.warning(
                "%d utterances are digital silence, every sample is 0, whatever their transcripts say; remove them: %s",
                len(mute),
                listed(sorted(mute)),
            )

    def _played(self, epoch: int) -> np.ndarray:
        """Durations (s) at this epoch's speeds."""
        speeds = np.array([self.train_set.speed(epoch, i) for i in range(len(self._durations))])
        return np.asarray(self._durations / speeds)

    def plan(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches. The first of all is the costliest there can be, its utterances at the slowest speed."""
        durations = self._played(epoch)
        if epoch:
            return plan_epoch(durations, self.seed, epoch, self.limits)
        others = np.setdiff1d(np.arange(len(durations)), self._costliest)
        return [self._costliest, *(others[batch] for batch in plan_epoch(durations[others], self.seed, epoch, self.limits))]

    def steps(self, max_epochs: int) -> int:
        """Batches in ``max_epochs`` epochs."""
        return sum(len(self.plan(epoch)) for epoch in range(max_epochs))

    def padding(self) -> float:
        """Share of padded seconds in an epoch."""
        return padding_share(self._played(1), self.plan(1))

    def _loader(self, dataset: FrameDataset, plan: list[np.ndarray], epoch: int, start: int) -> BatchLoader:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        return BatchLoader(dataset, plan, epoch, start=start, rank=rank, world=world, threads=self.options.workers)

    def train_dataloader(self) -> BatchLoader:
        """This epoch's batches, from the one a checkpoint stopped at."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        start = self.resume_batch if epoch == self.resume_epoch else 0
        return self._loader(self.train_set, self.plan(epoch), epoch, start)

    def longest_dev(self, most: int) -> Batch:
        """The longest dev utterances as one batch."""
        indices = np.argsort(-self._dev_durations, kind="stable")[:most]
        return self.dev_set[0, indices, np.ones(len(indices), np.float32), len(indices)]

    def val_dataloader(self) -> BatchLoader:
        """The dev utterances, the longest first."""
        order = np.argsort(-self._dev_durations, kind="stable")
        return self._loader(self.dev_set, cut(order, self._dev_durations, self.limits), 0, 0)
