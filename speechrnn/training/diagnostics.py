"""How far back gradients reach while a model is trained: a table, a picture, and words."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import Tensor

from speechrnn.atomic import write_text
from speechrnn.models.gradient_flow import gradient_flow
from speechrnn.rundir import RunDir
from speechrnn.training.data import SpeechData

logger = logging.getLogger("speechrnn")
UTTERANCES = 4
"""Of dev, the longest; all are cut to the shortest of them."""
LAGS = 100
"""Encoder frames looked back to."""
VANISHED, EXPLODED = 1e-3, 1e3
"""Shares of the gradient at lag 0."""
NEAR_S = 0.25
"""Seconds back at which a gradient that has vanished is worth a word: about a syllable."""


class GradientFlow(pl.Callback):
    """Measures after each validation, draws when training ends.

    Args:
        run: where ``gradients.csv`` and ``gradients.svg`` go.
        data: of which some utterances of dev are taken.
    """

    def __init__(self, run: RunDir, data: SpeechData) -> None:
        self.run, self.data = run, data
        self.rows: list[tuple[int, str, int, float]] = []
        self.said: set[str] = set()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Measure with the weights of now."""
        if trainer.sanity_checking or not trainer.is_global_zero or trainer.state.fn != "fit":
            return
        model = pl_module.model
        batch = self.data.longest_dev(UTTERANCES)
        length = min(int(batch.lengths.min()), (2 * LAGS + 2) * model.options.model.factor)
        there = [None if x is None else x.to(pl_module.device) for x in (batch.frames, batch.lengths, batch.speaker)]
        frames = model.normalizer(*there)[:, :length]
        was_training = model.training
        model.eval()
        # cuDNN derives recurrent layers in training mode only; dropout between layers is its own module, and off.
        for layer in model.encoder.layers:
            layer.train()
        flow = gradient_flow(model.encoder, model.head, frames, LAGS)
        model.train(was_training)
        epoch = trainer.current_epoch + 1
        self.rows += [(epoch, name, lag, float(norm)) for name, norms in flow.items() for lag, norm in enumerate(norms)]
        self._write()
        for verdict in verdicts(flow, model.frame_shift):
            if verdict not in self.said:
                self.said.add(verdict)
                logger.warning("%s", verdict)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Draw the last measurement."""
        if not self.rows or not trainer.is_global_zero:
            return
        from speechrnn.errors import MissingExtra
        from speechrnn.plots import Curve, plot

        last = max(epoch for epoch, *_ in self.rows)
        norms: dict[str, list[float]] = {}
        for epoch, name, _, norm in self.rows:
            if epoch == last:
                norms.setdefault(name, []).append(norm)
        shift = 1000 * pl_module.model.frame_shift
        curves = {f"layer {name}": Curve([shift * lag for lag in range(len(y))], y) for name, y in norms.items()}
        try:
            plot(
                self.run.path / "gradients.svg", curves, title=f"Gradient of the loss with respect to earlier states, epoch {last}",
                x_label="milliseconds before the loss", y_label="norm", log_y=True,
            )  # fmt: skip
        except MissingExtra as error:
            logger.warning("%s: %s; gradients.csv has the figures", error.message, error.remedy)

    def _write(self) -> None:
        lines = [f"{epoch},{name},{lag},{norm:.6g}\n" for epoch, name, lag, norm in self.rows]
        write_text(self.run.path / "gradients.csv", "".join(["epoch,layer,lag,norm\n", *lines]))

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"rows": [list(row) for row in self.rows], "said": sorted(self.said)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.rows = [(int(epoch), str(name), int(lag), float(norm)) for epoch, name, lag, norm in state_dict["rows"]]
        self.said = set(state_dict["said"])


def verdicts(flow: Mapping[str, Tensor], frame_shift: float) -> list[str]:
    """What is wrong with gradients by layer, in words; nothing where they reach back a quarter of a second and stay bounded.

    Args:
        flow: see :func:`~speechrnn.models.gradient_flow.gradient_flow`.
        frame_shift: seconds.
    """
    said = []
    for name, norms in flow.items():
        values = norms.double().numpy()
        if not values[0] > 0:
            continue
        shares = values / values[0]
        grown = np.flatnonzero(shares > EXPLODED)
        faded = np.flatnonzero(shares < VANISHED)
        if len(grown) or not np.isfinite(values).all():
            within = 1000 * frame_shift * (grown[0] if len(grown) else 0)
            said.append(
                f"layer {name}: gradients explode, a thousandfold within {within:.0f} ms: keep trainer.gradient_clip at 1 or lower "
                "it, take a gated cell (model.cell=lstm) or a lower trainer.learning_rate"
            )
        elif len(faded) and faded[0] * frame_shift <= NEAR_S:
            ago = 1000 * frame_shift * faded[0]
            said.append(
                f"layer {name}: gradients vanish, what was {ago:.0f} ms ago has less than a thousandth of the influence of now: "
                "take a gated cell (model.cell=lstm or gru), model.recurrent_init=identity with rnn_relu, or in deep stacks "
                "model.residual=true"
            )
    return said
