"""The recurrent transducer, Graves (2012): what is heard joined with what was written so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.layer import State, take_states
from speechrnn.models.cells.registry import check_cell
from speechrnn.models.ctc import CtcHead
from speechrnn.models.head import PerUtterance, TokenOptions, TransducerState
from speechrnn.models.init import init_linear, make_embedding
from speechrnn.models.recurrent import LayerOptions, Unidirectional
from speechrnn.models.transducer_loss import transducer_loss


@dataclass(frozen=True)
class TransducerOptions(TokenOptions):
    """``head:`` with ``kind: transducer``."""

    kind: str = "transducer"
    """Which head."""
    cell: str = "lstm"
    """Of the prediction network, which reads the tokens written so far: any of those for model.cell; feedforward knows the last
    token alone."""
    layers: int = 1
    """Recurrent layers of the prediction network."""
    hidden: int = 256
    """Units of each."""
    embedding: int = 64
    """Features of a token."""
    joint: int = 256
    """Units in which frames and tokens meet."""
    dropout: float = 0.3
    """Share of the prediction network's values dropped while training."""
    ctc_weight: float = 0.0
    """Weight of a CTC loss on the same frames, added while training; it brings small data to align sooner, and needs the frames
    that CTC needs. 0: none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell(self.cell, "head.cell")
        for name in ("layers", "hidden", "embedding", "joint"):
            if getattr(self, name) < 1:
                raise UsageError(f"head.{name} is {getattr(self, name)}", "at least 1")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"head.dropout is {self.dropout}", "a share in [0, 1)")
        if not 0 <= self.ctc_weight < float("inf"):
            raise UsageError(f"head.ctc_weight is {self.ctc_weight}", "0 or more; 0.3 is usual")


class Prediction(nn.Module):
    """Tokens so far (B, U) to what they make expect next (B, U, H); the blank, 0, stands for the beginning."""

    def __init__(self, n_tokens: int, options: TransducerOptions) -> None:
        super().__init__()
        o = options
        self.embedding = make_embedding(n_tokens, o.embedding)
        layer = LayerOptions(o.cell, o.hidden)
        self.size = layer.size
        sizes = [o.embedding] + [layer.size] * o.layers
        self.layers = nn.ModuleList(Unidirectional(layer, size) for size in sizes[:-1])
        self.dropout = nn.Dropout(o.dropout)

    def forward(self, tokens: Tensor, states: Sequence[State] | None = None) -> tuple[Tensor, list[State]]:
        """Tokens (B, U) after states, one a layer -> (B, U, H), the states after all of them."""
        x = self.dropout(self.embedding(tokens))
        lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        carried = []
        for number, layer in enumerate(self.layers):
            x, state = layer(x, lengths, None if states is None else states[number])
            carried.append(state)
            x = self.dropout(x)
        return x, carried


class TransducerHead(PerUtterance, nn.Module):
    """Prediction network, and a joint network: tanh of a sum of two projections, then a linear layer to K tokens (blank 0).

    The joint network and the loss are in float32, whatever the autocast.
    """

    def __init__(self, vocabulary: tuple[str, ...], input_size: int, options: TransducerOptions) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.prediction = Prediction(len(vocabulary), options)
        self.from_frames = nn.Linear(input_size, options.joint)
        self.from_tokens = nn.Linear(self.prediction.size, options.joint, bias=False)
        self.output = nn.Linear(options.joint, len(vocabulary))
        for layer in (self.from_frames, self.from_tokens, self.output):
            init_linear(layer)
        self.ctc_weight = options.ctc_weight
        self.ctc = CtcHead(vocabulary, input_size) if options.ctc_weight else None

    @property
    def width(self) -> int:
        """Numbers that :meth:`outputs` tells of a frame."""
        return self.from_frames.out_features

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Negative log likelihood of each utterance, (B,), with the weighted one of CTC where that is asked for.

        Raises:
            DataError: a target outside 1…K-1.
        """
        used = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
        before = nn.functional.pad((targets * used).clamp(0, len(self.vocabulary) - 1), (1, 0))
        losses = transducer_loss(
            self.from_frames(encoded),
            self.from_tokens(self.prediction(before)[0]),
            self.output.weight,
            self.output.bias,
            lengths,
            targets,
            target_lengths,
        )
        if self.ctc is not None:
            losses = losses + self.ctc_weight * self.ctc.loss(encoded, lengths, targets, target_lengths)
        return losses

    def outputs(self, encoded: Tensor, lengths: Tensor) -> TransducerState:
        """Projected frames, and the steps of a search."""
        return TransducerState(self.from_frames(encoded).float(), lengths, TransducerSteps(self))


@dataclass(frozen=True, slots=True)
class Written:
    """Where the prediction network stands after the tokens of n hypotheses: projected (n, J), and the state of each layer."""

    projected: Tensor
    layers: list[State]


class TransducerSteps:
    """A head as ``speechrnn.decoding.neural`` steps through it: NumPy arrays in and out, in float32.

    The head must be in evaluation mode.
    """

    def __init__(self, head: TransducerHead) -> None:
        self._head = head
        self._device = head.output.weight.device

    def start(self, n: int) -> Written:
        """``n`` hypotheses before their first token."""
        return self._read(torch.zeros(n, 1, dtype=torch.int64), None)

    def after(self, states: Written, tokens: np.ndarray) -> Written:
        """Each a token (n,) later."""
        return self._read(torch.from_numpy(tokens)[:, None], states.layers)

    @torch.inference_mode()
    def take(self, states: Sequence[Written], rows: np.ndarray) -> Written:
        """Some of several hypotheses, by their place when laid end to end."""
        index = torch.from_numpy(rows).to(self._device)
        projected = torch.cat([each.projected for each in states]).index_select(0, index)
        return Written(projected, [take_states(layer, index) for layer in zip(*(each.layers for each in states), strict=True)])

    @torch.inference_mode()
    def log_probs(self, frames: np.ndarray, states: Written) -> np.ndarray:
        """Log probabilities (n, C, K) of the next token in frames (n, C, J), blank first."""
        head = self._head
        with torch.autocast(self._device.type, enabled=False):
            joint = torch.tanh(torch.from_numpy(frames).to(self._device) + states.projected[:, None])
            found: np.ndarray = head.output(joint).log_softmax(-1).cpu().numpy()
        return found

    @torch.inference_mode()
    def _read(self, tokens: Tensor, states: list[State] | None) -> Written:
        head = self._head
        with torch.autocast(self._device.type, enabled=False):
            predicted, layers = head.prediction(tokens.to(self._device), states)
            return Written(head.from_tokens(predicted[:, 0]), layers)
