"""The Lightning data module: manifests, tokens, checks, cache, and the plan of each epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from speechrnn.data.manifest import read_manifest
from speechrnn.data.options import DataOptions
from speechrnn.data.plan import Limits, padding_share, plan_epoch
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError
from speechrnn.features.normalization import moments
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer, learn_tokens, read_tokens
from speechrnn.training.batches import Batch, FrameCache, FrameDataset, Item, PlanSampler, speaker_key
from speechrnn.training.preflight import check_feasible, make_items

logger = logging.getLogger("speechrnn")
T = TypeVar("T")
Tracker = Callable[[Iterable[Any], str, int], Iterator[Any]]


def manifest_path(data_dir: Path | None, split: str) -> Path:
    """``cuts_<split>.jsonl.gz`` (or unpacked) of a data directory."""
    if data_dir is None:
        raise UsageError("data.dir is not set", "give data.dir=FOLDER, as made by speechrnn data prepare or speechrnn data import")
    if not data_dir.is_dir():
        raise DataError(
            f"{data_dir}: no such data directory",
            "make it with speechrnn data prepare or speechrnn data import, or give data.dir=FOLDER",
        )
    for name in (f"cuts_{split}.jsonl.gz", f"cuts_{split}.jsonl"):
        if (data_dir / name).is_file():
            return data_dir / name
    raise DataError(f"{data_dir}: no cuts_{split}.jsonl.gz in it", "make it with speechrnn data prepare or speechrnn data import")


def samples_at(utterance: Utterance, sampling_rate: int) -> int:
    """Samples of an utterance after resampling to ``sampling_rate`` (Hz)."""
    return round(utterance.num_samples * sampling_rate / utterance.sampling_rate)


def common_rate(utterances: Iterable[Utterance]) -> int:
    """The sampling rate (Hz) a model of these recordings works at: the lowest, at most 16 kHz; nothing is invented above it."""
    return min(16000, *(utterance.sampling_rate for utterance in utterances))


def make_tokenizer(options: ModelOptions, data_dir: Path, utterances: Iterable[Utterance]) -> Tokenizer:
    """The token inventory: as given, of the lexicon's phones, or learned from the training texts."""
    head, form = options.head, options.text.unicode
    if head.unit == "phones":
        from speechrnn.text.lexicon import read_lexicon

        path = head.lexicon or data_dir / "lexicon.txt"
        if not path.is_file():
            raise DataError(
                f"{path}: no such lexicon", "phones are trained through a lexicon: put lexicon.txt there or set head.lexicon"
            )
        lexicon = read_lexicon(path)
        phones = {phone for pronunciations in lexicon.values() for pronunciation in pronunciations for phone in pronunciation}
        tokens = read_tokens(head.tokens, form) if head.tokens else ("<blank>", *sorted(phones))
        return Tokenizer(tokens, "phones", lexicon)
    if head.tokens:
        tokenizer = Tokenizer(read_tokens(head.tokens, form), head.unit)
        _report_ambiguities(tokenizer, [normalize(u.text, options.text) for u in utterances])
        return tokenizer
    return Tokenizer(learn_tokens((normalize(u.text, options.text) for u in utterances), head.unit), head.unit)


def _report_ambiguities(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Say where longest match hid another reading, such as ``n`` + ``g`` under ``ng``."""
    readable = [text for text in texts if tokenizer.can_encode(text)]
    for symbol, count in tokenizer.ambiguities(readable).most_common():
        examples = ", ".join([text for text in readable if symbol in text][:2])
        logger.warning("%s is read as one token %d times, though shorter tokens spell it too: %s", symbol, count, examples)


class SpeechData(pl.LightningDataModule):
    """Batches of a data directory.

    Args:
        options: data options.
        model_options: of the model that is trained.
        tokenizer: text to targets.
        train, dev: utterances.
        seed: of order and augmentation.
        overfit_batches: use so many batches of the plan, for training and validation alike, without augmentation.
    """

    def __init__(
        self,
        options: DataOptions,
        model_options: ModelOptions,
        tokenizer: Tokenizer,
        train: list[Utterance],
        dev: list[Utterance],
        model: AcousticModel,
        seed: int,
        overfit_batches: int = 0,
    ) -> None:
        super().__init__()
        self.options, self.model_options, self.tokenizer, self.seed = options, model_options, tokenizer, seed
        self.overfit_batches = overfit_batches
        rate = model_options.sampling_rate
        speeds = (1.0,) if overfit_batches else options.speeds
        length = {u.id: samples_at(u, rate) for u in (*train, *dev)}
        items = make_items(train, tokenizer, model_options.text, "training data")
        kept = check_feasible(
            items,
            [length[i.clip.id] for i in items],
            rate,
            model.encoded_lengths,
            model.frame_shift,
            max(speeds),
            options.max_duration_s,
        ).items
        dev_items = make_items(dev, tokenizer, model_options.text, "dev data", strict=False)
        cache = FrameCache(model.frontend, rate, options.cache_mb)
        self._durations = np.array([length[i.clip.id] / rate for i in kept])
        self._dev_durations = np.array([length[i.clip.id] / rate for i in dev_items])
        self.limits = Limits(options.batch_size, options.batch_s)
        self.train_set = FrameDataset(
            kept, cache, speeds=speeds, specaugment=None if overfit_batches else model_options.features.specaugment, seed=seed
        )
        self.dev_set = FrameDataset(dev_items, cache)
        self.resume_epoch, self.resume_batch = -1, 0
        if overfit_batches:
            few = np.concatenate(plan_epoch(self._durations, seed, 0, self.limits)[:overfit_batches])
            self.train_set.items = [kept[i] for i in few]
            self._durations = self._durations[few]
            self.dev_set.items, self._dev_durations = self.train_set.items, self._durations

    @property
    def train_items(self) -> list[Item]:
        """The utterances trained on."""
        return list(self.train_set.items)

    def fit_normalization(self, model: AcousticModel, track: Tracker) -> None:
        """Take the statistics the model's normalization needs: of train for global ones, of every speaker for those by speaker."""
        mode = self.model_options.features.normalization.mode
        cache = self.train_set.cache
        items = self.train_set.items
        if mode == "global":
            frames = (cache.frames(item.clip).numpy() for item in track(items, "reading recordings", len(items)))
            model.normalizer.moments.copy_(torch.from_numpy(moments(frames)))
        elif mode == "speaker":
            by_speaker: dict[str, list[Item]] = {}
            for item in {i.clip.id: i for i in (*items, *self.dev_set.items)}.values():
                by_speaker.setdefault(speaker_key(item), []).append(item)
            found = {
                speaker: moments(cache.frames(item.clip).numpy() for item in own)
                for speaker, own in track(list(by_speaker.items()), "reading recordings", len(by_speaker))
            }
            self.train_set.speaker_moments = self.dev_set.speaker_moments = found

    def plan(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches; durations are those after this epoch's speeds."""
        speeds = np.array([self.train_set.speed(epoch, i) for i in range(len(self._durations))])
        return plan_epoch(self._durations / speeds, self.seed, epoch, self.limits)

    def steps(self, max_epochs: int, accumulate: int = 1) -> int:
        """Steps in ``max_epochs`` epochs, of ``accumulate`` batches each but the last of an epoch."""
        return sum(math.ceil(len(self.plan(epoch)) / accumulate) for epoch in range(max_epochs))

    def padding(self) -> float:
        """Share of padded seconds in the first epoch."""
        speeds = np.array([self.train_set.speed(0, i) for i in range(len(self._durations))])
        return padding_share(self._durations / speeds, self.plan(0))

    def _ranks(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)

    def _loader(self, dataset: FrameDataset, sampler: PlanSampler) -> DataLoader[Batch]:
        workers = self.options.workers if dataset is self.train_set else 0
        context = "spawn" if workers else None
        # batch_size=None: the data set is handed a whole batch's indices and gives the batch.
        return DataLoader(dataset, sampler=sampler, batch_size=None, num_workers=workers, multiprocessing_context=context)

    def train_dataloader(self) -> DataLoader[Batch]:
        """This epoch's batches, from the one a checkpoint stopped at."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        start = self.resume_batch if epoch == self.resume_epoch else 0
        return self._loader(self.train_set, PlanSampler(self.plan(epoch), epoch, start, *self._ranks()))

    def val_dataloader(self) -> DataLoader[Batch]:
        """The dev utterances, the longest first."""
        order = np.argsort(-self._dev_durations, kind="stable")
        sizes = range(0, len(order), self.limits.batch_size)
        return self._loader(self.dev_set, PlanSampler([order[i : i + self.limits.batch_size] for i in sizes], 0, 0, *self._ranks()))


def load_splits(data_dir: Path | None) -> tuple[list[Utterance], list[Utterance]]:
    """Train and dev utterances of a data directory; every recording exists.

    Raises:
        DataError: no such directory, no such manifest, recordings missing.
    """
    train = read_manifest(manifest_path(data_dir, "train"), check_files=True)
    dev = read_manifest(manifest_path(data_dir, "dev"), check_files=True)
    return train, dev
