"""Dropout that drops the same values in all frames of an utterance."""

from __future__ import annotations

from torch import Tensor, nn


class VariationalDropout(nn.Module):
    """Dropout with one mask an utterance, the same for all frames (Gal and Ghahramani 2016)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> the same shape; while training a share of the features of each utterance is 0, the rest scaled up."""
        if not self.training or not self.share:
            return x
        return x * nn.functional.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.share)
