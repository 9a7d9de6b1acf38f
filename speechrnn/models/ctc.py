"""Connectionist temporal classification, Graves et al. (2006)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speechrnn.models.head import FramePosteriors, PerUtterance, TokenOptions, check_targets
from speechrnn.models.init import init_linear


@dataclass(frozen=True)
class CtcOptions(TokenOptions):
    """``head:`` with ``kind: ctc``."""

    kind: str = "ctc"
    """Which head."""


def frames_needed(targets: list[int]) -> int:
    """Fewest frames CTC can spell ``targets`` in: one each, and a blank between equal neighbours.

    >>> frames_needed([3, 3, 5])
    4
    """
    return len(targets) + sum(a == b for a, b in itertools.pairwise(targets))


class CtcHead(PerUtterance, nn.Module):
    """A linear layer to K tokens (blank 0) and the CTC loss. Log-softmax and loss in float32, whatever the autocast."""

    def __init__(self, vocabulary: tuple[str, ...], input_size: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.linear = nn.Linear(input_size, len(vocabulary))
        init_linear(self.linear)

    def log_probs(self, encoded: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K) float32."""
        logits = self.linear(encoded)
        with torch.autocast(encoded.device.type, enabled=False):
            log_probs: Tensor = logits.float().log_softmax(-1)
        return log_probs

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Negative log likelihood of each utterance, (B,).

        Infinite where an utterance has too few frames: never hidden, the preflight leaves such utterances out by name.

        Raises:
            DataError: a target outside 1…K-1 (on a GPU it would corrupt memory silently).
        """
        check_targets(targets, target_lengths, len(self.vocabulary))
        log_probs = self.log_probs(encoded).transpose(0, 1)
        with torch.autocast(encoded.device.type, enabled=False):
            return nn.functional.ctc_loss(
                log_probs, targets, lengths, target_lengths, blank=0, reduction="none", zero_infinity=False
            )

    def outputs(self, encoded: Tensor, lengths: Tensor) -> FramePosteriors:
        """Log posteriors per encoder frame."""
        return FramePosteriors(self.log_probs(encoded), lengths)
