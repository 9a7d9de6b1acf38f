"""Checkpoints: at each epoch's end, every few minutes, on Ctrl-C; the best ones kept, the model written when it improves."""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from speechrnn.atomic import atomic_path
from speechrnn.errors import DataError, Interrupted, typed
from speechrnn.rundir import RunDir
from speechrnn.training.averaging import WeightAverage, Weights, mean_of

logger = logging.getLogger("speechrnn")
LAST = "last.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all; reads with ``weights_only``, whatever is asked."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write; where that fails the old file stays.

        Raises:
            DataError: the disk is full or the folder cannot be written.
        """
        with atomic_path(Path(path)) as temporary:
            try:
                with temporary.open("wb") as stream:
                    torch.save(checkpoint, stream)
            except RuntimeError as error:
                # torch's own writer reports a failed write without an errno.
                raise OSError(0, str(error).splitlines()[0]) from error

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Read.

        Raises:
            DataError: missing, damaged, or holding more than plain values and tensors.
        """
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU; no code in it is run.

    Raises:
        DataError: missing, damaged, or holding more than plain values and tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"{path}: no such checkpoint", "give a run directory whose training has saved one") from None
    except Exception as error:
        raise DataError(
            f"{path}: damaged, or no checkpoint ({type(error).__name__})", "remove it; train anew or use another checkpoint"
        ) from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: no checkpoint", "remove it; train anew or use another checkpoint")
    return content


def model_weights(checkpoint: dict[str, Any]) -> Weights:
    """The weights a checkpoint would put into the model directory: its average where it has one."""
    weights = {name.removeprefix("model."): w for name, w in checkpoint["state_dict"].items() if name.startswith("model.")}
    average = checkpoint["callbacks"].get(WeightAverage.__qualname__, {}).get("average", {})
    return {**weights, **average}


class Checkpoints(pl.Callback):
    """Saves ``last.ckpt`` and the best ones; hands improved weights to ``on_improved``.

    Args:
        run: the run directory.
        keep_best: how many of the best are kept.
        every_s: seconds between checkpoints within an epoch.
        patience: validations without improvement after which training stops; 0: never.
        on_improved: called with the weights and the dev metrics of a new best.
    """

    def __init__(
        self, run: RunDir, keep_best: int, every_s: float, patience: int, on_improved: Callable[[Weights, dict[str, float]], None]
    ) -> None:
        self.run, self.keep_best, self.every_s, self.on_improved = run, keep_best, every_s, on_improved
        self.patience, self.without_improvement = patience, 0
        self.best: list[tuple[float, float, str]] = []
        self._saved_at = 0.0
        self._stop = threading.Event()
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Ctrl-C and termination wait for the end of the step; a second one does not.

        Lightning has set its own handlers by now; when training ends it gives back those that were there before it.
        """
        self._saved_at = time.monotonic()
        self._stop_early(trainer)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: Any) -> None:
        self._stop.set()
        for known, handler in self._handlers.items():
            signal.signal(known, handler)
        # The signal may have come while something else was being said.
        with contextlib.suppress(RuntimeError):
            logger.info("stopping when this step is done and saved; once more stops at once")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save when it is time, or when the user stops the run."""
        last_of_epoch = batch_idx + 1 >= trainer.num_training_batches
        stop = self._stop.is_set()
        due = time.monotonic() - self._saved_at >= self.every_s
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
            due = trainer.strategy.reduce_boolean_decision(due, all=False)
        # The end of an epoch saves by itself, after validation; gradients that are being added up are in no checkpoint.
        step_is_done = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if (due or stop) and step_is_done and not last_of_epoch:
            self._save(trainer)
            if stop:
                self._interrupt(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save, and keep what is among the best."""
        validated = (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        score = (metrics.get("dev_error", math.inf), metrics.get("dev_loss", math.inf))
        if math.isnan(score[1]):
            score = (score[0], math.inf)
        name = f"best-epoch={trainer.current_epoch + 1:03d}-error={score[0]:.2f}.ckpt"
        kept = validated and (len(self.best) < self.keep_best or score < self.best[-1][:2])
        improved = validated and (not self.best or score < self.best[0][:2])
        self.without_improvement = 0 if improved else self.without_improvement + validated
        if kept:
            self.best = sorted([*self.best, (*score, name)])[: self.keep_best]
        self._save(trainer, name if kept else LAST)
        if kept and trainer.is_global_zero:
            self._keep(name, metrics if improved else None)
        self._stop_early(trainer)
        stop = self._stop.is_set()
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self._interrupt(trainer)

    def _stop_early(self, trainer: pl.Trainer) -> None:
        if self.patience and self.without_improvement >= self.patience:
            trainer.should_stop = True

    def _save(self, trainer: pl.Trainer, name: str = LAST) -> None:
        trainer.save_checkpoint(self.run.checkpoints / name)
        self._saved_at = time.monotonic()

    def _keep(self, name: str, improved: dict[str, float] | None) -> None:
        """One of the best becomes the last one, after the model is written: killed in between, a resumed run does it again."""
        file = self.run.checkpoints / name
        if improved is not None:
            self.on_improved(model_weights(read_checkpoint(file)), improved)
        with atomic_path(self.run.checkpoints / LAST) as temporary:
            shutil.copyfile(file, temporary)
        listed = {entry[2] for entry in self.best}
        for other in self.run.checkpoints.glob("best-*.ckpt"):
            if other.name not in listed:
                other.unlink(missing_ok=True)

    def _interrupt(self, trainer: pl.Trainer) -> None:
        raise Interrupted(
            f"stopped in epoch {trainer.current_epoch + 1} after step {trainer.global_step}; saved",
            f"go on with: speechrnn train --resume {typed(self.run.path)}",
        )

    def best_average(self) -> Weights | None:
        """Mean of the weights of the best checkpoints, where there are several."""
        if len(self.best) < 2:
            return None
        return mean_of([model_weights(read_checkpoint(self.run.checkpoints / name)) for *_, name in self.best])

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"best": [list(entry) for entry in self.best], "without_improvement": self.without_improvement}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.best = [(float(error), float(loss), str(name)) for error, loss, name in state_dict["best"]]
        self.without_improvement = int(state_dict["without_improvement"])
