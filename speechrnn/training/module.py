"""The Lightning module: loss of a joint batch, validation, optimizer and schedule, non-finite steps."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from speechrnn.errors import DataError
from speechrnn.features.specaugment import apply_masks
from speechrnn.models.acoustic import AcousticModel
from speechrnn.training.batches import Batch, Item
from speechrnn.training.options import TrainerOptions
from speechrnn.training.tasks import Task

logger = logging.getLogger("speechrnn")


class RecognizerModule(pl.LightningModule):
    """Trains an :class:`AcousticModel`.

    The loss of a step is the sum over the joint batch of all devices divided by its number of utterances, so two
    processes follow the curve of one.
    """

    def __init__(self, model: AcousticModel, task: Task, options: TrainerOptions, total_steps: int) -> None:
        super().__init__()
        self.model, self.task, self.options, self.total_steps = model, task, options, total_steps
        self.train_items: list[Item] = []
        self.dev_items: list[Item] = []
        self.validation = self.task.measure()
        self.last_batch: Batch | None = None
        self.step_loss = math.nan
        self.gradient_norm = math.nan
        self.nonfinite_in_row = 0
        self._losses: Tensor | None = None
        self._plateau: torch.optim.lr_scheduler.ReduceLROnPlateau | None = None
        self._plateau_state: dict[str, Any] | None = None

    def losses(self, batch: Batch, *, augment: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of each utterance (B,), encoded frames (B, T', D) and their lengths (B,)."""
        frames = self.model.normalizer(batch.frames, batch.lengths, batch.speaker)
        if augment:
            frames = apply_masks(frames, batch.time_masks, batch.frequency_masks)
        encoded, lengths = self.model.encode(frames, batch.lengths)
        return self.model.head.loss(encoded, lengths, batch.targets, batch.target_lengths), encoded, lengths

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss per utterance of the joint batch, scaled for the mean over devices."""
        self.last_batch = batch
        self.gradient_norm = math.nan
        losses, _, lengths = self.losses(batch, augment=True)
        self._losses = losses.detach()
        share = self.model.head.normalizer(lengths, batch.target_lengths).mean()
        loss = torch.where(batch.weights > 0, losses, 0.0).sum() * self.trainer.world_size / (batch.total * share)
        self.step_loss = float(loss.detach())
        return loss

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Clip by value and by norm, and keep the weights as they are where the gradient is not finite."""
        parameters = [p for p in self.parameters() if p.grad is not None]
        largest = self.options.gradient_clip_value
        # An infinite part would come out of it finite, and unseen.
        if largest and math.isfinite(float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))):
            torch.nn.utils.clip_grad_value_(parameters, largest)
        limit = self.options.gradient_clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        self.gradient_norm = float(norm)
        if math.isfinite(self.gradient_norm):
            self.nonfinite_in_row = 0
            return
        # Without a gradient AdamW leaves a weight, its moments and its decay alone.
        optimizer.zero_grad(set_to_none=True)
        self._count_nonfinite()

    def _count_nonfinite(self) -> None:
        self.nonfinite_in_row += 1
        ids = self.batch_ids(only_nonfinite=True)
        scaling = (
            self.trainer.precision == "16-mixed" and bool(torch.isfinite(self._losses).all()) if self._losses is not None else False
        )
        level = logging.DEBUG if scaling else logging.WARNING
        logger.log(
            level, "step %d: loss or gradient is not finite, weights unchanged; utterances: %s", self.global_step, ", ".join(ids)
        )
        if self.nonfinite_in_row >= self.options.nonfinite_patience:
            raise DataError(
                f"{self.nonfinite_in_row} steps in a row without a finite gradient; last utterances: {', '.join(ids)}",
                "look at these recordings and transcripts; a lower trainer.learning_rate or trainer.precision=32 may help",
            )

    def batch_ids(self, only_nonfinite: bool = False) -> list[str]:
        """Utterance ids of the last batch; with ``only_nonfinite`` those whose loss is not finite, where there are any."""
        if self.last_batch is None:
            return []
        indices = self.last_batch.indices.tolist()
        if only_nonfinite and self._losses is not None:
            bad = (~torch.isfinite(self._losses)).tolist()
            indices = [i for i, is_bad in zip(indices, bad, strict=True) if is_bad] or indices
        return [self.train_items[i].clip.id for i in indices]

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self.validation = self.task.measure()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count what the model says of a batch."""
        losses, encoded, lengths = self.losses(batch, augment=False)
        rows = zip(batch.indices.tolist(), batch.weights.tolist(), strict=True)
        items = [self.dev_items[index] if weight else None for index, weight in rows]
        self.validation.add(items, losses.tolist(), self.model.head.outputs(encoded, lengths), batch.lengths.tolist())

    def on_validation_epoch_end(self) -> None:
        """Sum over devices and publish the metrics."""
        v = self.validation
        if self.trainer.world_size > 1:
            sums = torch.tensor(v.sums(), dtype=torch.float64, device=self.device)
            v.take(self.trainer.strategy.reduce(sums, reduce_op="sum").tolist())
        if self._plateau is not None and self.trainer.state.fn == "fit":
            self._plateau.step(v.metrics()["dev_error"])
        self.log_dict({name: torch.tensor(value, dtype=torch.float64) for name, value in v.metrics().items()}, sync_dist=False)

    def configure_optimizers(self) -> Any:
        """AdamW (Loshchilov and Hutter 2019) with one-cycle (Smith and Topin 2018), plateau or constant rate."""
        o = self.options
        # A fused step would take fp16's scale out of the gradients itself, after they were clipped.
        fused = o.precision != "fp16"
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=o.learning_rate, weight_decay=o.weight_decay, betas=(0.9, 0.98), fused=fused
        )
        if o.schedule == "one_cycle":
            cycle = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, o.learning_rate, total_steps=max(self.total_steps, 1) + 1, pct_start=o.warmup_share, cycle_momentum=False
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
        if o.schedule == "plateau":
            self._plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=o.plateau_factor, patience=o.plateau_patience
            )
        return optimizer

    def on_train_start(self) -> None:
        """A restored run goes on counting towards the plateau."""
        if self._plateau is not None and self._plateau_state:
            self._plateau.load_state_dict(self._plateau_state)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning would step a plateau schedule only after the epoch's checkpoint is written: it is stepped and kept here."""
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Kept until the optimizer stands."""
        self._plateau_state = checkpoint.get("plateau")
