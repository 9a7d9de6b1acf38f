"""Classes of utterances: a label as target, judged by how many are wrong."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from speechrnn.data.labels import label_of, learn_labels
from speechrnn.data.utterance import Utterance
from speechrnn.errors import listed
from speechrnn.models.acoustic import AcousticModel
from speechrnn.models.head import ClassPosteriors, HeadOutput
from speechrnn.text.labels import Labels
from speechrnn.text.normalize import TextOptions
from speechrnn.training.batches import Item
from speechrnn.training.tasks import model_samples

logger = logging.getLogger("speechrnn")
SAMPLES = 2
"""Utterances shown after each validation."""


class ClassTask:
    """Labels of utterances.

    Args:
        source: where labels are (:func:`speechrnn.data.labels.label_of`).
        text: normalization, where they are texts.
        train: training utterances; their labels are the classes.

    Raises:
        DataError: no classes, see :func:`speechrnn.data.labels.learn_labels`.
    """

    def __init__(self, source: str, text: TextOptions, train: Sequence[Utterance]) -> None:
        self._source, self._text = source, text
        self.vocabulary = learn_labels(train, source, text)

    def items(self, utterances: Sequence[Utterance], sampling_rate: int, where: str, *, strict: bool = True) -> list[Item]:
        """Utterances with their class; those of dev whose class train lacks are left out by name."""
        items: list[Item] = []
        left_out: Counter[str] = Counter()
        for utterance in utterances:
            label = label_of(utterance, self._source, self._text)
            if label in self.vocabulary.tokens:
                targets = tuple(self.vocabulary.encode(label))
                items.append(Item(utterance.clip, targets, label, model_samples(utterance, sampling_rate)))
            else:
                left_out[label or "(none)"] += 1
        if left_out:
            logger.warning(
                "%s: %d utterances left out, of classes that training lacks: %s", where, left_out.total(), listed(left_out)
            )
        return items

    def frames_needed(self, item: Item) -> int:
        """One."""
        return 1

    def targets(self, item: Item, speed: float, n_frames: int) -> np.ndarray:
        """The class (1,)."""
        return np.array(item.targets, np.int64)

    def fit(self, model: AcousticModel, items: Sequence[Item]) -> None:
        """Nothing is needed."""

    def measure(self) -> ClassMeasure:
        """Errors."""
        return ClassMeasure(self.vocabulary)


@dataclass
class ClassMeasure:
    """Wrong utterances."""

    labels: Labels
    loss: float = 0.0
    utterances: int = 0
    wrong: int = 0
    samples: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, items: Sequence[Item | None], losses: Sequence[float], output: HeadOutput, n_frames: Sequence[int]) -> None:
        """Count a batch."""
        assert isinstance(output, ClassPosteriors)
        for item, loss, found in zip(items, losses, output.log_probs.argmax(-1).tolist(), strict=True):
            if item is None:
                continue
            self.loss += loss
            self.utterances += 1
            self.wrong += found != item.targets[0]
            if len(self.samples) < SAMPLES:
                self.samples.append((item.clip.id, item.text, self.labels.tokens[found]))

    def metrics(self) -> dict[str, float]:
        """dev_loss per utterance, dev_error: wrong utterances in %."""
        n = max(self.utterances, 1)
        return {"dev_loss": self.loss / n, "dev_error": 100 * self.wrong / n}

    def sums(self) -> list[float]:
        """Loss, utterances, errors."""
        return [self.loss, self.utterances, self.wrong]

    def take(self, sums: Sequence[float]) -> None:
        """Sums over all devices."""
        self.loss, self.utterances, self.wrong = sums[0], int(sums[1]), int(sums[2])
