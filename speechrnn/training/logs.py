"""What a training says: metrics.csv, TensorBoard, a line an epoch, a progress bar, and advice when it gets stuck."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch

from speechrnn.rundir import MetricsFile, RunDir

logger = logging.getLogger("speechrnn")


def told(metrics: Mapping[str, float]) -> str:
    """The metrics of a validation as the log says them.

    >>> told({"dev_loss": 1.25, "dev_error": 8.5, "dev_blank": 0.7})
    'dev loss 1.250, dev error 8.50 %, blank 70 %'
    """
    shown = {
        "dev_loss": ("dev loss %.3f", 1),
        "dev_error": ("dev error %.2f %%", 1),
        "dev_wer": ("dev WER %.2f %%", 1),
        "dev_blank": ("blank %.0f %%", 100),
    }
    return ", ".join(form % (factor * metrics[name]) for name, (form, factor) in shown.items() if name in metrics)


class Recorder(pl.Callback):
    """Writes ``metrics.csv`` and TensorBoard events, a row a step and a row a validation; says a line an epoch."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._metrics: MetricsFile | None = None
        self._board: Any = None
        self._rows: int | None = None
        self._epoch_started = 0.0
        self._losses: list[float] = []

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Called only when resuming: files are cut back to the checkpoint instead of begun anew."""
        self._rows = int(state_dict["rows"])
        self._losses = list(state_dict["losses"])

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint: the epoch's losses so far, and how many rows are written."""
        return {"losses": self._losses, "rows": self._metrics.rows if self._metrics else 0}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Open the files."""
        self._epoch_started = time.monotonic()
        if not trainer.is_global_zero:
            return
        from torch.utils.tensorboard import SummaryWriter

        self._metrics = MetricsFile(self.run.path / "metrics.csv", self._rows)
        purge = None if self._rows is None else trainer.global_step + 1
        self._board = SummaryWriter(str(self.run.path / "tensorboard"), purge_step=purge)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the epoch's clock."""
        self._epoch_started = time.monotonic()
        self._losses = []

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """A row for the step."""
        loss = pl_module.step_loss
        if trainer.world_size > 1:
            loss = float(
                trainer.strategy.reduce(torch.tensor(loss, dtype=torch.float64, device=pl_module.device), reduce_op="mean")
            )
        self._losses.append(loss)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._row(trainer, loss=loss, gradient_norm=pl_module.gradient_norm, learning_rate=rate)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """A row for the validation, and the line of the epoch with some decoded samples."""
        if trainer.sanity_checking or self._metrics is None:
            return
        metrics = pl_module.validation.metrics()
        self._row(trainer, **metrics)
        finite = [x for x in self._losses if math.isfinite(x)]
        mean = sum(finite) / len(finite) if finite else math.nan
        logger.info(
            "epoch %d/%d: loss %.3f, %s, gradient %.2f, %.1f s",
            trainer.current_epoch + 1, trainer.max_epochs, mean, told(metrics), pl_module.gradient_norm,
            time.monotonic() - self._epoch_started,
        )  # fmt: skip
        for utterance, reference, hypothesis in pl_module.validation.samples:
            logger.info("  %s  %s\n  %s  %s", utterance, reference, " " * len(utterance), hypothesis or "(nothing)")

    def _row(self, trainer: pl.Trainer, **values: float) -> None:
        if self._metrics is None:
            return
        self._metrics.append(epoch=trainer.current_epoch + 1, step=trainer.global_step, **values)
        for name, value in values.items():
            self._board.add_scalar(name, value, trainer.global_step)

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """Close the files."""
        if self._metrics is not None:
            self._metrics.close()
            # Only on a full disk, which is told already.
            with contextlib.suppress(OSError):
                self._board.close()
            self._metrics = None

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """The same where training fails or is stopped."""
        self.teardown(trainer, pl_module, "fit")


class ProgressBar(pl.Callback):
    """A bar on standard error with loss, error rate, blank share and gradient norm."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """A bar an epoch."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", total=trainer.num_training_batches, said=""
        )
        self._progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move on."""
        metrics = trainer.callback_metrics
        known = f", dev {float(metrics['dev_error']):.1f} %" if "dev_error" in metrics else ""
        if "dev_blank" in metrics:
            known += f", blank {100 * float(metrics['dev_blank']):.0f} %"
        said = f"loss {pl_module.step_loss:.2f}, gradient {pl_module.gradient_norm:.2f}{known}"
        self._progress.update(self._task, completed=batch_idx + 1, said=said)
        if batch_idx + 1 >= trainer.num_training_batches:
            self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """The same where training fails or is stopped: the bar hides the cursor."""
        self.teardown(trainer, pl_module, "fit")


class BlankMonitor(pl.Callback):
    """Tells the plateau every CTC training begins with from one that will not end.

    At first a CTC network learns to say nothing: for some epochs more than 97 % of the frames are blank while the loss
    creeps down. That is normal while the loss still falls. When it has not fallen by 1 % over the last ``PATIENCE``
    validations and at least ``STEPS`` steps are done, the run is stuck.
    """

    BLANK = 0.97
    STEPS = 600
    PATIENCE = 4

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.said = ""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Judge after each validation."""
        metrics = pl_module.validation.metrics()
        self.losses.append(metrics["dev_loss"])
        verdict = self.verdict(metrics["dev_blank"], metrics["dev_error"], trainer.global_step)
        if verdict and verdict != self.said:
            if verdict == "stuck":
                logger.warning(
                    "the model still says nothing (%.0f %% blank) and its loss has stopped falling: this run is stuck. Try "
                    "trainer.learning_rate a third of now, look for wrong transcripts, check with trainer.overfit_batches=1 "
                    "that a batch can be learned at all, and see that there are at least two frames a token",
                    100 * metrics["dev_blank"],
                )
            else:
                logger.info(
                    "  (%.0f %% blank: a plateau every CTC training goes through; normal while the loss falls)",
                    100 * metrics["dev_blank"],
                )
        self.said = verdict

    def verdict(self, blank: float, error: float, step: int) -> str:
        """``""``, ``plateau`` or ``stuck``."""
        if blank < self.BLANK or error < 90:
            return ""
        recent = self.losses[-self.PATIENCE - 1 :]
        falls = len(recent) <= self.PATIENCE or min(recent[1:]) < 0.99 * recent[0]
        return "plateau" if falls or step < self.STEPS else "stuck"

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"losses": self.losses, "said": self.said}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.losses, self.said = list(state_dict["losses"]), state_dict["said"]
