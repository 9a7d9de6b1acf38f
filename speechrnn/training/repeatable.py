"""What makes a resumed training repeat an unbroken one: dropout by step, and the batch to go on from."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from speechrnn.training.data import SpeechData
from speechrnn.training.seeding import seed_torch


class StepSeed(pl.Callback):
    """Dropout as a function of (seed, epoch, batch, rank): a resumed run draws what an unbroken one would."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed torch for this step."""
        seed_torch(self.seed, "step", trainer.current_epoch, batch_idx, trainer.global_rank)


class ResumePoint(pl.Callback):
    """Stores how many batches of the epoch are done, and tells the data module when resuming."""

    def __init__(self, data: SpeechData) -> None:
        self.data = data
        self.done = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Nothing is done yet."""
        self.done = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One more batch is done."""
        self.done = batch_idx + 1

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Into the checkpoint."""
        checkpoint["batches_done"] = {"epoch": trainer.current_epoch, "batches": self.done}

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Out of it."""
        self.data.resume_epoch = checkpoint["batches_done"]["epoch"]
        self.data.resume_batch = self.done = checkpoint["batches_done"]["batches"]
