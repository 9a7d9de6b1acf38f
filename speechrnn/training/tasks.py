"""What a head is trained to say: targets of utterances, and how dev is judged. One task a kind of head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from speechrnn.data.utterance import Utterance
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.classification import ClassOptions
from speechrnn.models.framewise import FrameOptions
from speechrnn.models.head import HeadOutput
from speechrnn.models.regression import RegressionOptions
from speechrnn.text.labels import Labels
from speechrnn.text.tokenizer import Tokenizer
from speechrnn.training.batches import Item


class Measure(Protocol):
    """What one pass over dev gives."""

    samples: list[tuple[str, str, str]]
    """Some utterances: id, reference, what the model says."""

    def add(self, items: Sequence[Item | None], losses: Sequence[float], output: HeadOutput, n_frames: Sequence[int]) -> None:
        """Count a batch; ``None`` stands for an utterance that must not count; ``n_frames``: front-end frames of each."""

    def metrics(self) -> dict[str, float]:
        """``dev_loss`` an utterance, ``dev_error`` in %, and what else there is."""

    def sums(self) -> list[float]:
        """What is summed over devices."""

    def take(self, sums: Sequence[float]) -> None:
        """Sums over all devices in place of its own."""


class Task(Protocol):
    """Targets and measure of one kind of head."""

    @property
    def vocabulary(self) -> Tokenizer | Labels:
        """Tokens, or classes."""

    def items(self, utterances: Sequence[Utterance], sampling_rate: int, where: str, *, strict: bool = True) -> list[Item]:
        """Utterances with their targets; strict: raise where there are none, otherwise leave such utterances out with a warning."""

    def frames_needed(self, item: Item) -> int:
        """Fewest encoder frames that its target can be learned from."""

    def targets(self, item: Item, speed: float, n_frames: int) -> np.ndarray:
        """The target (L,): int64 tokens or classes, or float32 numbers.

        Args:
            speed: the recording is played at.
            n_frames: front-end frames there are of it then.
        """

    def fit(self, model: AcousticModel, items: Sequence[Item]) -> None:
        """Give the head what it needs to know of all training targets."""

    def measure(self) -> Measure:
        """An empty one."""


def make_task(options: ModelOptions, data_dir: Path, train: Sequence[Utterance]) -> Task:
    """The task of a head; its vocabulary is what the options name, or what the training data hold."""
    from speechrnn.training.class_task import ClassTask
    from speechrnn.training.frame_task import FrameTask
    from speechrnn.training.text_task import TextTask
    from speechrnn.training.value_task import ValueTask

    head = options.head
    if isinstance(head, ClassOptions):
        return ClassTask(head.label, options.text, train)
    if isinstance(head, RegressionOptions):
        return ValueTask(head.value, train)
    if isinstance(head, FrameOptions):
        return FrameTask(options, train)
    return TextTask(options, data_dir, train)


def model_samples(utterance: Utterance, sampling_rate: int) -> int:
    """Samples of an utterance at the model's rate (Hz)."""
    return round(utterance.num_samples * sampling_rate / utterance.sampling_rate)
