"""What sits on the encoder: the ``Head`` protocol, and what heads put out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from speechrnn.errors import DataError, UsageError
from speechrnn.text.tokenizer import UNITS


@dataclass(frozen=True)
class TokenOptions:
    """What heads that write tokens have in common."""

    kind: str = ""
    """Which head."""
    unit: str = "chars"
    """chars: letters and the word boundary; letters: without it (phone error rate); phones: through lexicon.txt; auto: as the
    data suggest."""
    text: str = "text"
    """What is written: the text of an utterance, or a field of the manifest, such as a translation."""
    tokens: Path | None = None
    """A tokens.txt, a line a token, multi-letter graphemes welcome; null: the symbols of the training texts."""
    lexicon: Path | None = None
    """Pronunciations for unit phones; null: lexicon.txt of the data directory."""

    def __post_init__(self) -> None:
        if self.unit not in (*UNITS, "auto"):
            raise UsageError(f"head.unit is {self.unit!r}", f"choose one of {', '.join(UNITS)}, auto")


@dataclass(frozen=True, slots=True)
class FramePosteriors:
    """Log posteriors (B, T, K) float32 per encoder frame, blank first; lengths (B,)."""

    log_probs: Tensor
    lengths: Tensor


@dataclass(frozen=True, slots=True)
class ClassPosteriors:
    """Log posteriors (B, K) float32 per utterance."""

    log_probs: Tensor


@dataclass(frozen=True, slots=True)
class FrameClasses:
    """Log posteriors (B, T, K) float32 of classes per encoder frame, without a blank; lengths (B,)."""

    log_probs: Tensor
    lengths: Tensor


@dataclass(frozen=True, slots=True)
class Values:
    """A number for each utterance, (B,) float32."""

    values: Tensor


@dataclass(frozen=True, slots=True)
class TransducerState:
    """What a search through a transducer starts from.

    Attributes:
        frames: projected encoder frames (B, T, J) float32.
        lengths: (B,).
        steps: the rest of the network, as :class:`speechrnn.decoding.neural.Steps` describes it.
    """

    frames: Tensor
    lengths: Tensor
    steps: Any


@dataclass(frozen=True, slots=True)
class AttentionState:
    """What a decoder with attention writes from.

    Attributes:
        frames: what is heard (B, T, W) float32.
        lengths: (B,).
        steps: the decoder, as :class:`speechrnn.decoding.attention.Steps` describes it.
    """

    frames: Tensor
    lengths: Tensor
    steps: Any


HeadOutput: TypeAlias = FramePosteriors | FrameClasses | ClassPosteriors | Values | TransducerState | AttentionState


class Head(Protocol):
    """A module over the encoder's output; decoding is chosen by the type of ``outputs``."""

    vocabulary: tuple[str, ...]

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Loss of each utterance, (B,) float32: encoded (B, T, D), lengths (B,), targets (B, L) 0 beyond, their lengths (B,).

        What a target is the head says: tokens, a class a frame (L = T), one class or number (L = 1).
        """

    def normalizer(self, lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """What the summed losses are divided by, each utterance's share: (B,) float32."""

    def outputs(self, encoded: Tensor, lengths: Tensor) -> HeadOutput:
        """What decoding needs."""


class PerUtterance:
    """A head whose summed losses are divided by the number of utterances."""

    def normalizer(self, lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """One each, (B,)."""
        return torch.ones(len(lengths), device=lengths.device)


def check_targets(targets: Tensor, lengths: Tensor, n_tokens: int) -> None:
    """Refuse targets (B, L) that a model of ``n_tokens`` cannot write, and lengths (B,) beyond L.

    Raises:
        DataError: on a GPU either would corrupt memory silently.
    """
    if bool(((lengths < 0) | (lengths > targets.shape[1])).any()):
        raise DataError(f"target lengths {lengths.tolist()} of {targets.shape[1]} targets", "0 or more, and no more than there are")
    used = torch.arange(targets.shape[1], device=targets.device) < lengths[:, None]
    if bool((used & ((targets < 1) | (targets >= n_tokens))).any()):
        raise DataError(f"a target lies outside 1…{n_tokens - 1}", "the tokens of the data are not those of the model")
