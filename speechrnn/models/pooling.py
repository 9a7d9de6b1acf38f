"""Encoded frames of an utterance to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError, nearest
from speechrnn.models.init import init_linear

POOLINGS = ("mean", "last", "attention")


def check_pooling(name: str) -> None:
    """Refuse an unknown pooling by name."""
    if name not in POOLINGS:
        raise UsageError(f"head.pooling is {name!r}", nearest(name, POOLINGS))


class Pooling(nn.Module):
    """Frames (B, T, D) -> (B, D). What lies beyond an utterance's length has no part.

    ``mean`` is that of all frames. ``last`` is each direction's output where it has read the whole utterance: forwards at the
    last frame, backwards at the first. ``attention`` is a mean by weights that a small network gives the frames (Lin et al. 2017).
    """

    def __init__(self, name: str, size: int, bidirectional: bool) -> None:
        super().__init__()
        self.name = name
        self.backwards = size // 2 if bidirectional else 0
        """How many of the features were read backwards; they are the last."""
        if name == "attention":
            self.hidden = nn.Linear(size, max(1, size // 4))
            self.weight = nn.Linear(self.hidden.out_features, 1, bias=False)
            init_linear(self.hidden)
            init_linear(self.weight)

    def forward(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """Encoded (B, T, D), lengths (B,) of at least 1 -> (B, D)."""
        B, T, D = encoded.shape
        if self.name == "last":
            forwards = D - self.backwards
            last = encoded[torch.arange(B, device=encoded.device), lengths - 1, :forwards]
            return torch.cat([last, encoded[:, 0, forwards:]], -1)
        inside = torch.arange(T, device=encoded.device)[None, :] < lengths[:, None]
        if self.name == "attention":
            scores = self.weight(torch.tanh(self.hidden(encoded)))[..., 0].float()
            weights = scores.masked_fill(~inside, -torch.inf).softmax(-1)
        else:
            weights = inside / lengths[:, None]
        return torch.einsum("bt,btd->bd", weights.to(encoded.dtype), encoded)
