"""Averages of weights: exponential while training, or the mean of the best checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

Weights = dict[str, Tensor]


def mean_of(many: Sequence[Weights]) -> Weights:
    """Mean of several checkpoints' weights, in float64; Izmailov et al. (2018) average late weights likewise."""
    return {name: torch.stack([w[name].double() for w in many]).mean(0).to(many[0][name].dtype) for name in many[0]}


class WeightAverage(pl.Callback):
    """Exponential average of the weights (Polyak and Juditsky 1992), put in place of them while validating.

    The decay grows to its full value as (1 + n) / (10 + n) over the first n steps, so that initial weights are forgotten.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: Weights = {}
        self._live: Weights = {}
        self._seen_step = -1

    @torch.no_grad()
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Move the average after each optimizer step."""
        if trainer.global_step == self._seen_step:
            return
        self._seen_step = trainer.global_step
        weights = dict(pl_module.model.named_parameters())
        if not self.average:
            self.average = {name: p.detach().clone() for name, p in weights.items()}
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        averages = [self.average[name] for name in weights]
        torch._foreach_lerp_(averages, [p.detach() for p in weights.values()], 1 - decay)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Validate the average."""
        if self.average:
            self._live = {name: p.detach().clone() for name, p in pl_module.model.named_parameters()}
            _set(pl_module, self.average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Go on with the live weights."""
        if self._live:
            _set(pl_module, self._live)
            self._live = {}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"steps": self.steps, "seen_step": self._seen_step, "average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.steps, self._seen_step = state_dict["steps"], state_dict["seen_step"]
        self.average = {name: tensor.clone() for name, tensor in state_dict["average"].items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """A restored average moves to the device trained on."""
        self.average = {name: tensor.to(pl_module.device) for name, tensor in self.average.items()}


@torch.no_grad()
def _set(module: Any, weights: Weights) -> None:
    for name, parameter in module.model.named_parameters():
        parameter.copy_(weights[name])
