"""A training step in the rooms of the package (data, module, backward, clipping, AdamW, average, log) over the bare layers."""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import soundfile
import torch

from bench.timing import Ratio
from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.training import run as training_run
from speechrnn.training.trainer import make_trainer

RATE = 16000


def write_noise(folder: Path, size: int) -> None:
    """Recordings as long as AN4's, of noise, with a letter for every 80 ms."""
    rng = np.random.default_rng(0)
    for split in ("train", "dev"):
        utterances = []
        for number in range(size if split == "train" else 2):
            samples = 0.1 * rng.standard_normal(int(RATE * min(rng.lognormal(0.9, 0.5), 7.0))).astype(np.float32)
            path = folder / f"{split}{number}.flac"
            soundfile.write(path, samples, RATE)
            text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), len(samples) // 1280))
            utterances.append(Utterance(path.stem, path, RATE, 0, len(samples), None, text, recording_samples=len(samples)))
        write_manifest(folder / f"cuts_{split}.jsonl.gz", utterances)


class Stopwatch(pl.Callback):
    """Times each step from the end of the last one, then the bare layers' forward and backward on the same batch."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.bare: list[float] = []
        self._from = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._from = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = time.perf_counter() - self._from
        encoder = pl_module.model.encoder
        x, lengths = encoder.subsampling(batch.frames, batch.lengths)
        before = [None if p.grad is None else p.grad.clone() for p in encoder.layers.parameters()]
        begun = time.perf_counter()
        with trainer.precision_plugin.forward_context():
            for layer in encoder.layers:
                x = layer(x, lengths)[0]
        x.float().sum().backward()
        if trainer.current_epoch:
            self.steps.append(step)
            self.bare.append(time.perf_counter() - begun)
        for parameter, gradient in zip(encoder.layers.parameters(), before, strict=True):
            parameter.grad = gradient
        self._from = time.perf_counter()


def training_step() -> list[Ratio]:
    """Full step over bare layers, 3 x 256 bidirectional LSTM, batch 8, frames in memory.

    The yardstick is of a training without threads that prepare batches: beside them the layers may be slow, too.
    """
    logging.getLogger("speechrnn").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        write_noise(Path(folder), 160)
        alone, usual = watched(Path(folder), "alone", {"workers": 0}), watched(Path(folder), "usual", {})
    torch.set_grad_enabled(True)
    return [Ratio("training step / bare recurrent layers", statistics.fmean(usual.steps), statistics.fmean(alone.bare), 1.5)]


def watched(folder: Path, name: str, data: dict[str, Any]) -> Stopwatch:
    """Train on the recordings of a folder, into the run of that name."""
    watch = Stopwatch()

    def with_watch(options: Any, callbacks: list[pl.Callback], **more: Any) -> pl.Trainer:
        return make_trainer(options, [*callbacks, watch], **more)

    original, training_run.make_trainer = training_run.make_trainer, with_watch
    try:
        training_run.train(
            {
                "run": {"dir": str(folder / name)},
                "data": {"dir": str(folder), "batch_size": 8, "speeds": [1.0], **data},
                "trainer": {"max_epochs": 3, "accelerator": "cpu"},
            }
        )
    finally:
        training_run.make_trainer = original
    return watch
