"""Numbers of utterances as targets, judged by the squared error."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from speechrnn.data.labels import value_of
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, listed
from speechrnn.models.acoustic import AcousticModel
from speechrnn.models.head import HeadOutput, Values
from speechrnn.models.regression import RegressionHead
from speechrnn.text.labels import Labels
from speechrnn.training.batches import Item
from speechrnn.training.tasks import model_samples

logger = logging.getLogger("speechrnn")
SAMPLES = 2
"""Utterances shown after each validation."""


class ValueTask:
    """A number for each utterance.

    Args:
        source: the field of the manifest that holds it.
        train: training utterances.

    Raises:
        DataError: the number is always the same.
    """

    def __init__(self, source: str, train: Sequence[Utterance]) -> None:
        self._source = source
        self.vocabulary = Labels((source,), "value")
        values = {value for utterance in train if not math.isnan(value := value_of(utterance, source))}
        if len(values) == 1:
            raise DataError(f"{source!r} is {values.pop():g} wherever the training data have it", "give numbers that differ")
        self._deviation = 1.0

    def items(self, utterances: Sequence[Utterance], sampling_rate: int, where: str, *, strict: bool = True) -> list[Item]:
        """Utterances with their number.

        Raises:
            DataError: training utterances without one, by name.
        """
        values = {utterance.id: value_of(utterance, self._source) for utterance in utterances}
        without = [identity for identity, value in values.items() if not math.isfinite(value)]
        if without:
            message = f"{where}: {len(without)} of {len(values)} utterances have no number in {self._source!r}: {listed(without)}"
            if strict:
                raise DataError(message, "head.value says which field of the manifest holds the numbers")
            logger.warning("%s; they are left out", message)
        kept = [utterance for utterance in utterances if math.isfinite(values[utterance.id])]
        return [Item(u.clip, (values[u.id],), f"{values[u.id]:g}", model_samples(u, sampling_rate)) for u in kept]

    def frames_needed(self, item: Item) -> int:
        """One."""
        return 1

    def targets(self, item: Item, speed: float, n_frames: int) -> np.ndarray:
        """The number (1,)."""
        return np.array(item.targets, np.float32)

    def fit(self, model: AcousticModel, items: Sequence[Item]) -> None:
        """Tell the head mean and deviation."""
        assert isinstance(model.head, RegressionHead)
        model.head.fit(torch.tensor([item.targets[0] for item in items], dtype=torch.float64))
        self._deviation = float(model.head.scale)

    def measure(self) -> ValueMeasure:
        """Squared errors."""
        return ValueMeasure(self._deviation)


@dataclass
class ValueMeasure:
    """Squared errors, in units of the training values' deviation."""

    deviation: float
    loss: float = 0.0
    utterances: int = 0
    squares: float = 0.0
    samples: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, items: Sequence[Item | None], losses: Sequence[float], output: HeadOutput, n_frames: Sequence[int]) -> None:
        """Count a batch."""
        assert isinstance(output, Values)
        for item, loss, found in zip(items, losses, output.values.tolist(), strict=True):
            if item is None:
                continue
            self.loss += loss
            self.utterances += 1
            self.squares += ((found - item.targets[0]) / self.deviation) ** 2
            if len(self.samples) < SAMPLES:
                self.samples.append((item.clip.id, item.text, f"{found:g}"))

    def metrics(self) -> dict[str, float]:
        """dev_loss per utterance; dev_error: root of the mean squared error in % of the deviation, 100 for saying the mean."""
        n = max(self.utterances, 1)
        return {"dev_loss": self.loss / n, "dev_error": 100 * math.sqrt(self.squares / n)}

    def sums(self) -> list[float]:
        """Loss, utterances, squares."""
        return [self.loss, self.utterances, self.squares]

    def take(self, sums: Sequence[float]) -> None:
        """Sums over all devices."""
        self.loss, self.utterances, self.squares = sums[0], int(sums[1]), sums[2]
