"""The attention encoder-decoder: a network that writes token by token, and looks for each where in the recording it is said.

Location-aware attention, Chorowski et al. (2015); trained beside CTC, Kim et al. (2017). What is written need not lie in the
order of what is heard: a translation can be learned as well as a transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.layer import State, take_states
from speechrnn.models.cells.registry import check_cell
from speechrnn.models.ctc import CtcHead
from speechrnn.models.head import AttentionState, PerUtterance, TokenOptions, check_targets
from speechrnn.models.init import init_linear, make_embedding
from speechrnn.models.recurrent import LayerOptions, Unidirectional


@dataclass(frozen=True)
class AttentionOptions(TokenOptions):
    """``head:`` with ``kind: attention``."""

    kind: str = "attention"
    """Which head."""
    cell: str = "lstm"
    """Of the decoder, which writes the tokens: any of those for model.cell."""
    layers: int = 1
    """Recurrent layers of the decoder."""
    hidden: int = 256
    """Units of each, and of what it is told of the frames."""
    embedding: int = 64
    """Features of a token."""
    attention: int = 128
    """Units in which frames are compared with what is looked for."""
    filters: int = 10
    """Filters over where it looked before; 0: it does not know where it looked."""
    width: int = 31
    """Encoder frames that a filter sees; odd."""
    dropout: float = 0.3
    """Share of the decoder's values dropped while training."""
    smoothing: float = 0.1
    """Share of each token's probability that is wanted of all tokens alike while training (Szegedy et al. 2016)."""
    ctc_weight: float = 0.3
    """Weight of a CTC loss on the same frames, added while training: it brings the attention to move on from left to right, and
    needs the frames that CTC needs. 0, as for translations: none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell(self.cell, "head.cell")
        for name in ("layers", "hidden", "embedding", "attention"):
            if getattr(self, name) < 1:
                raise UsageError(f"head.{name} is {getattr(self, name)}", "at least 1")
        if self.filters < 0:
            raise UsageError(f"head.filters is {self.filters}", "0 or more; 10 are usual")
        if self.width < 1 or self.width % 2 == 0:
            raise UsageError(f"head.width is {self.width}", "an odd number of frames, so that one is in the middle; 31 is usual")
        for name in ("dropout", "smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"head.{name} is {getattr(self, name)}", "a share in [0, 1)")
        if not 0 <= self.ctc_weight < float("inf"):
            raise UsageError(f"head.ctc_weight is {self.ctc_weight}", "0 or more; 0.3 is usual")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where n decoders stand, each with frames of its own.

    Attributes:
        values: frames as they are told to the decoder, (n, T, H).
        keys: frames as they are compared, (n, T, A).
        heard: which frames there are, bool (n, T).
        layers: state of each recurrent layer; nothing before the first token.
        context: what was last told, (n, H).
        looked: where it looked last and so far in all, (n, 2, T).
    """

    values: Tensor
    keys: Tensor
    heard: Tensor
    layers: list[State] | None
    context: Tensor
    looked: Tensor


def make_filters(options: AttentionOptions) -> nn.Sequential:
    """Where it looked (n, 2, T) to what that tells of each frame (n, A, T)."""
    o = options
    across = nn.Conv1d(2, o.filters, o.width, padding=o.width // 2, bias=False)
    return nn.Sequential(across, nn.Conv1d(o.filters, o.attention, 1, bias=False))


class AttentionHead(PerUtterance, nn.Module):
    """Decoder and attention in float32, whatever the autocast. Token 0, CTC's blank, is begin and end of what is written."""

    def __init__(self, vocabulary: tuple[str, ...], input_size: int, options: AttentionOptions) -> None:
        super().__init__()
        o = options
        self.vocabulary, self.smoothing, self.ctc_weight = vocabulary, o.smoothing, o.ctc_weight
        layer = LayerOptions(o.cell, o.hidden)
        self.from_frames = nn.Linear(input_size, o.hidden)
        self.keys = nn.Linear(o.hidden, o.attention)
        self.query = nn.Linear(layer.size, o.attention, bias=False)
        self.locations = make_filters(o) if o.filters else None
        self.energy = nn.Linear(o.attention, 1, bias=False)
        self.embedding = make_embedding(len(vocabulary), o.embedding)
        sizes = [o.embedding + o.hidden] + [layer.size] * o.layers
        self.layers = nn.ModuleList(Unidirectional(layer, size) for size in sizes[:-1])
        self.dropout = nn.Dropout(o.dropout)
        self.mixed = nn.Linear(layer.size + o.hidden, o.hidden)
        self.output = nn.Linear(o.hidden, len(vocabulary))
        for linear in (self.from_frames, self.keys, self.query, self.energy, self.mixed, self.output, *(self.locations or ())):
            init_linear(linear)
        self.ctc = CtcHead(vocabulary, input_size) if o.ctc_weight else None

    @property
    def width(self) -> int:
        """Numbers that :meth:`outputs` tells of a frame."""
        return self.from_frames.out_features + (len(self.vocabulary) if self.ctc is not None else 0)

    def begin(self, values: Tensor, lengths: Tensor) -> Listening:
        """Decoders before their first token, over frames (n, T, H) of which ``lengths`` (n,) are there."""
        n, n_frames, size = values.shape
        heard = torch.arange(n_frames, device=values.device) < lengths[:, None]
        return Listening(values, self.keys(values), heard, None, values.new_zeros(n, size), values.new_zeros(n, 2, n_frames))

    def step(self, at: Listening, embedded: Tensor) -> tuple[Tensor, Listening]:
        """One token on: the embeddings (n, E) of what was written last -> what tells the next (n, S + H), where it stands then."""
        x = self.dropout(torch.cat([embedded, at.context], -1))[:, None]
        one = torch.ones(len(x), dtype=torch.int64, device=x.device)
        states: list[State] = []
        for number, layer in enumerate(self.layers):
            x, state = layer(x, one, None if at.layers is None else at.layers[number])
            states.append(state)
            x = self.dropout(x)
        wanted = at.keys + self.query(x)
        if self.locations is not None:
            wanted = wanted + self.locations(at.looked).transpose(1, 2)
        energies = self.energy(torch.tanh(wanted))[..., 0]
        # A finite floor: of a recording without a frame the weights are still numbers.
        weights = energies.masked_fill(~at.heard, torch.finfo(energies.dtype).min).softmax(-1)
        context = (weights[:, None] @ at.values)[:, 0]
        looked = torch.stack([weights, at.looked[:, 1] + weights], 1)
        return torch.cat([x[:, 0], context], -1), replace(at, layers=states, context=context, looked=looked)

    def log_probs(self, told: Tensor) -> Tensor:
        """What tells the next token (..., S + H) -> log probabilities (..., K)."""
        log_probs: Tensor = self.output(self.dropout(torch.tanh(self.mixed(told)))).log_softmax(-1)
        return log_probs

    def loss(self, encoded: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Negative log likelihood of each utterance, (B,), its end included, with the weighted one of CTC where asked for.

        Raises:
            DataError: a target outside 1…K-1.
        """
        check_targets(targets, target_lengths, len(self.vocabulary))
        places = torch.arange(targets.shape[1] + 1, device=targets.device)
        targets_and_end = nn.functional.pad(targets, (0, 1)) * (places < target_lengths[:, None])
        with torch.autocast(encoded.device.type, enabled=False):
            at = self.begin(self.from_frames(encoded.to(self.output.weight.dtype)), lengths)
            before = self.embedding(nn.functional.pad(targets_and_end, (1, -1)))
            told = []
            for place in range(before.shape[1]):
                features, at = self.step(at, before[:, place])
                told.append(features)
            log_probs = self.log_probs(torch.stack(told, 1))
            losses = -log_probs.gather(-1, targets_and_end[..., None])[..., 0]
            if self.training and self.smoothing:
                losses = (1 - self.smoothing) * losses - self.smoothing * log_probs.mean(-1)
            losses = (losses * (places <= target_lengths[:, None])).sum(1)
        if self.ctc is not None:
            losses = losses + self.ctc_weight * self.ctc.loss(encoded, lengths, targets, target_lengths)
        return losses

    def outputs(self, encoded: Tensor, lengths: Tensor) -> AttentionState:
        """Frames for the decoder, beside them CTC's log posteriors where it was trained; and the steps of a search."""
        with torch.autocast(encoded.device.type, enabled=False):
            frames = self.from_frames(encoded.to(self.output.weight.dtype))
        if self.ctc is not None:
            frames = torch.cat([frames, self.ctc.log_probs(encoded)], -1)
        return AttentionState(frames, lengths, AttentionSteps(self))


class AttentionSteps:
    """A head as ``speechrnn.decoding.attention`` steps through it: NumPy arrays in and out, in float32.

    The head must be in evaluation mode.
    """

    def __init__(self, head: AttentionHead) -> None:
        self._head = head
        self._device = head.output.weight.device

    @property
    def hears_ctc(self) -> bool:
        """Whether CTC was trained beside it."""
        return self._head.ctc is not None

    def ctc(self, frames: np.ndarray) -> np.ndarray | None:
        """CTC's log posteriors (T, K) of what is heard (T, W); nothing where it was not trained."""
        return frames[:, self._head.from_frames.out_features :] if self.hears_ctc else None

    @torch.inference_mode()
    def begin(self, frames: Sequence[np.ndarray]) -> Listening:
        """A decoder for each recording (T, W), before its first token."""
        size = self._head.from_frames.out_features
        values = [torch.from_numpy(np.ascontiguousarray(each[:, :size])) for each in frames]
        lengths = torch.tensor([len(each) for each in frames])
        padded = nn.utils.rnn.pad_sequence(values, batch_first=True)
        return self._head.begin(padded.to(self._device), lengths.to(self._device))

    @torch.inference_mode()
    def step(self, at: Listening, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, Listening]:
        """After tokens (n,): log probabilities (n, K) of the next, where it is looked for (n, T), where the decoders stand."""
        head = self._head
        with torch.autocast(self._device.type, enabled=False):
            told, after = head.step(at, head.embedding(torch.from_numpy(tokens).to(self._device)))
            return head.log_probs(told).cpu().numpy(), after.looked[:, 0].cpu().numpy(), after

    @torch.inference_mode()
    def take(self, at: Listening, rows: np.ndarray) -> Listening:
        """Some of the decoders; one may be taken several times."""
        index = torch.from_numpy(rows).to(self._device)
        layers = None if at.layers is None else [take_states([state], index) for state in at.layers]
        values, keys, heard, context, looked = (
            part.index_select(0, index) for part in (at.values, at.keys, at.heard, at.context, at.looked)
        )
        return Listening(values, keys, heard, layers, context, looked)
