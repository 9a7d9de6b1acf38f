"""Connectionist temporal classification, Graves et al. (2006)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from speechrnn.errors import DataError, UsageError
from speechrnn.features.framing import mask_frames
from speechrnn.models.head import FramePosteriors
from speechrnn.models.init import init_linear

UNITS = ("chars", "letters", "phones")
PRIOR_STEP = 0.01
"""How far the prior moves towards a batch's mean posterior."""


@dataclass(frozen=True)
class CtcOptions:
    """``head:`` with ``kind: ctc``."""

    kind: str = "ctc"
    unit: str = "chars"
    """chars: letters and the word boundary; letters: without it (phone error rate); phones: through lexicon.txt; auto: as the
    data suggest."""
    tokens: Path | None = None
    """A tokens.txt, a line a token, multi-letter graphemes welcome; null: the symbols of the training texts."""
    lexicon: Path | None = None
    """Pronunciations for unit phones; null: lexicon.txt of the data directory."""
    prior_weight: float = 0.0
    """Share of the tokens' log prior that the loss takes off their log posteriors: above 0 tokens last as long as their sounds,
    for alignment (0.3 is usual); 0: plain CTC, the best for recognition."""

    def __post_init__(self) -> None:
        if not 0 <= self.prior_weight <= 1:
            raise UsageError(f"head.prior_weight is {self.prior_weight}", "a share in [0, 1]")
        if self.unit not in (*UNITS, "auto"):
            raise UsageError(f"head.unit is {self.unit!r}", f"choose one of {', '.join(UNITS)}, auto")


def frames_needed(targets: list[int]) -> int:
    """Fewest frames CTC can spell ``targets`` in: one each, and a blank between equal neighbours.

    >>> frames_needed([3, 3, 5])
    4
    """
    return len(targets) + sum(a == b for a, b in itertools.pairwise(targets))


class CtcHead(nn.Module):
    """A linear layer to K tokens (blank 0) and the CTC loss. Log-softmax and loss in float32, whatever the autocast.

    With ``prior_weight`` the loss is that of Huang et al. (2024), "Less Peaky and More Accurate CTC Forced Alignment by Label
    Priors": paths of many blanks lose what makes them likely a priori. Theirs is the prior of an epoch, ours a moving average
    over steps, kept in ``log_prior`` (K,).
    """

    log_prior: Tensor

    def __init__(self, vocabulary: tuple[str, ...], input_size: int, prior_weight: float = 0.0) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.prior_weight = prior_weight
        self.linear = nn.Linear(input_size, len(vocabulary))
        init_linear(self.linear)
        if prior_weight:
            self.register_buffer("log_prior", torch.full((len(vocabulary),), -math.log(len(vocabulary))))

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
        used = torch.arange(targets.shape[1], device=targets.device)[None, :] < target_lengths[:, None]
        if bool((used & ((targets < 1) | (targets >= len(self.vocabulary)))).any()):
            raise DataError(
                f"a target lies outside 1…{len(self.vocabulary) - 1}", "the tokens of the data are not those of the model"
            )
        log_probs = self.log_probs(encoded)
        with torch.autocast(encoded.device.type, enabled=False):
            if not self.prior_weight:
                return _ctc_loss(log_probs, lengths, targets, target_lengths)
            if self.training:
                self._update_prior(log_probs.detach(), lengths)
            scores = log_probs - self.prior_weight * self.log_prior
            # torch's gradient holds for scores that sum to one, where a term exp(score) vanishes behind a softmax: it is taken off.
            mass = mask_frames(scores.exp(), lengths).sum((1, 2))
            return _ctc_loss(scores, lengths, targets, target_lengths) - (mass - mass.detach())

    @torch.no_grad()
    def _update_prior(self, log_probs: Tensor, lengths: Tensor) -> None:
        mean = mask_frames(log_probs.exp(), lengths).sum((0, 1)) / lengths.sum()
        self.log_prior.copy_(self.log_prior.exp().lerp_(mean, PRIOR_STEP).clamp_min_(1e-6).log_())

    def normalizer(self, lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """One each: the sum is divided by the number of utterances."""
        return torch.ones(len(lengths), device=lengths.device)

    def outputs(self, encoded: Tensor, lengths: Tensor) -> FramePosteriors:
        """Log posteriors per encoder frame."""
        return FramePosteriors(self.log_probs(encoded), lengths)


def _ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """(B, T, K) -> (B,)."""
    return nn.functional.ctc_loss(
        log_probs.transpose(0, 1), targets, lengths, target_lengths, blank=0, reduction="none", zero_infinity=False
    )
