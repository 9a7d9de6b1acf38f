"""Many-to-one: a class for an utterance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.errors import DataError
from speechrnn.models.head import ClassPosteriors, PerUtterance
from speechrnn.models.init import init_linear
from speechrnn.models.pooling import Pooling, check_pooling


@dataclass(frozen=True)
class ClassOptions:
    """``head:`` with ``kind: classify``."""

    kind: str = "classify"
    """Which head."""
    label: str = "auto"
    """Where labels are: text, speaker, language, or a field of the manifest; auto: the field label where there is one, else the
    text."""
    pooling: str = "mean"
    """mean of all frames; last: each direction's last output; attention: a learned mean."""

    def __post_init__(self) -> None:
        check_pooling(self.pooling)


class ClassHead(PerUtterance, nn.Module):
    """Pooled frames, a linear layer to K classes, cross-entropy."""

    def __init__(self, vocabulary: tuple[str, ...], size: int, pooling: str, bidirectional: bool) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.pooling = Pooling(pooling, size, bidirectional)
        self.linear = nn.Linear(size, len(vocabulary))
        init_linear(self.linear)

    def log_probs(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D) -> (B, K) float32."""
        logits = self.linear(self.pooling(encoded, lengths))
        with torch.autocast(encoded.device.type, enabled=False):
            log_probs: Tensor = logits.float().log_softmax(-1)
        return log_probs

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Negative log likelihood of each utterance's class, (B,); targets (B, 1).

        Raises:
            DataError: a target outside 0…K-1.
        """
        if bool(((targets < 0) | (targets >= len(self.vocabulary))).any()):
            raise DataError(
                f"a class lies outside 0…{len(self.vocabulary) - 1}", "the classes of the data are not those of the model"
            )
        return -self.log_probs(encoded, lengths).gather(1, targets[:, :1])[:, 0]

    def outputs(self, encoded: Tensor, lengths: Tensor) -> ClassPosteriors:
        """Log posteriors per utterance."""
        return ClassPosteriors(self.log_probs(encoded, lengths))
