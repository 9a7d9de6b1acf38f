"""Many-to-one: a number for an utterance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.models.head import PerUtterance, Values
from speechrnn.models.init import init_linear
from speechrnn.models.pooling import Pooling, check_pooling


@dataclass(frozen=True)
class RegressionOptions:
    """``head:`` with ``kind: regression``."""

    kind: str = "regression"
    """Which head."""
    value: str = "value"
    """The field of the manifest that holds the number."""
    pooling: str = "mean"
    """mean of all frames; last: each direction's last output; attention: a learned mean."""

    def __post_init__(self) -> None:
        check_pooling(self.pooling)


class RegressionHead(PerUtterance, nn.Module):
    """Pooled frames, a linear layer to one number, squared error in units of the training values' deviation."""

    mean: Tensor
    scale: Tensor

    def __init__(self, vocabulary: tuple[str, ...], size: int, pooling: str, bidirectional: bool) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.pooling = Pooling(pooling, size, bidirectional)
        self.linear = nn.Linear(size, 1)
        init_linear(self.linear)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, values: Tensor) -> None:
        """Take mean and deviation of the training values (N,)."""
        self.mean.fill_(float(values.double().mean()))
        self.scale.fill_(max(float(values.double().std(correction=0)), 1e-6))

    def _units(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """Predictions (B,) in deviations from the mean."""
        found = self.linear(self.pooling(encoded, lengths))[:, 0]
        with torch.autocast(encoded.device.type, enabled=False):
            units: Tensor = found.float()
        return units

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Squared error of each utterance, (B,); targets (B, 1) are numbers."""
        wanted = (targets[:, 0].float() - self.mean) / self.scale
        return torch.square(self._units(encoded, lengths) - wanted)

    def outputs(self, encoded: Tensor, lengths: Tensor) -> Values:
        """The numbers themselves."""
        return Values(self._units(encoded, lengths) * self.scale + self.mean)
