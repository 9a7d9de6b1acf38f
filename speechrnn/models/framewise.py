"""Many-to-many, equal: a class for every frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from speechrnn.errors import DataError, UsageError
from speechrnn.models.head import FrameClasses
from speechrnn.models.init import init_linear


@dataclass(frozen=True)
class FrameOptions:
    """``head:`` with ``kind: framewise``."""

    kind: str = "framewise"
    """Which head."""
    level: str = "phone"
    """The level of the manifest's alignments that names each frame: phone, word or state."""
    hmm: Path | None = None
    """level state: the hidden Markov model whose tied states they are (align --states); transcripts then come from its graph,
    lexicon and language model. null: states are only named."""

    def __post_init__(self) -> None:
        if not self.level:
            raise UsageError("head.level is empty", "name a level of the manifest's alignments: phone, word, state")
        if self.hmm is not None and self.level != "state":
            raise UsageError(f"head.hmm and head.level {self.level}", "a hidden Markov model has states: set head.level=state")


class FrameHead(nn.Module):
    """A linear layer to K classes and the cross-entropy of each frame; keeps how frequent classes are in training."""

    log_prior: Tensor
    """Natural logs (K,) of the classes' shares of the training frames."""

    def __init__(self, vocabulary: tuple[str, ...], input_size: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.linear = nn.Linear(input_size, len(vocabulary))
        init_linear(self.linear)
        self.register_buffer("log_prior", torch.full((len(vocabulary),), -math.log(len(vocabulary))))

    def fit(self, counts: Tensor) -> None:
        """Take frames by class (K,); a class that does not occur counts as half a frame."""
        self.log_prior.copy_((counts.double().clamp(min=0.5) / counts.double().clamp(min=0.5).sum()).log().float())

    def log_probs(self, encoded: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K) float32."""
        logits = self.linear(encoded)
        with torch.autocast(encoded.device.type, enabled=False):
            log_probs: Tensor = logits.float().log_softmax(-1)
        return log_probs

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Negative log likelihood of each utterance's frames together, (B,); targets (B, T), a class a frame.

        Raises:
            DataError: other numbers of targets than frames; a target outside 0…K-1.
        """
        if not torch.equal(lengths, target_lengths):
            raise DataError(
                f"{target_lengths.tolist()} labels for {lengths.tolist()} frames", "give every frame of an utterance one label"
            )
        if bool(((targets < 0) | (targets >= len(self.vocabulary))).any()):
            raise DataError(
                f"a label lies outside 0…{len(self.vocabulary) - 1}", "the labels of the data are not those of the model"
            )
        found = self.log_probs(encoded).gather(2, targets[..., None])[..., 0]
        inside = torch.arange(found.shape[1], device=found.device)[None, :] < lengths[:, None]
        return -torch.where(inside, found, 0.0).sum(1)

    def normalizer(self, lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """Frames: the loss is a mean over them."""
        return lengths.float()

    def outputs(self, encoded: Tensor, lengths: Tensor) -> FrameClasses:
        """Log posteriors per encoder frame."""
        return FrameClasses(self.log_probs(encoded), lengths)
