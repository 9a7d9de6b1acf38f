"""Dropout of single values, or of the same values in all frames of an utterance."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout of single values (Srivastava et al. 2014), as ``nn.Dropout``, which takes more than twice as long on a CPU.

    There torch draws Bernoulli's numbers one after the other, uniform ones by vectors.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> the same shape; while training a share of the values is 0, the rest scaled up to the same mean."""
        if not self.training or not self.share:
            return x
        return nn.functional.dropout(x, self.share) if x.is_cuda else x * self._scales(x, *x.shape)

    def _scales(self, like: Tensor, *shape: int) -> Tensor:
        return torch.rand(shape, device=like.device).ge_(self.share).div_(1 - self.share).to(like.dtype)

    def extra_repr(self) -> str:
        """What is printed of it."""
        return f"share={self.share:g}"


class VariationalDropout(Dropout):
    """Dropout with one mask an utterance, the same for all frames (Gal and Ghahramani 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> the same shape; while training a share of the features of each utterance is 0, the rest scaled up."""
        if not self.training or not self.share:
            return x
        return x * self._scales(x, x.shape[0], 1, x.shape[2])
