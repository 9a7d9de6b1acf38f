"""The recurrent language model: embedding, recurrent layers, a softmax over the next token (Mikolov et al. 2010).

Sentences are scored each from the zero state. They may be read in chunks with the state carried between them
(:mod:`speechrnn.models.streams`), so that neither training nor scoring holds more than a chunk of a long one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speechrnn.errors import UsageError
from speechrnn.models.cells.layer import State
from speechrnn.models.cells.registry import check_cell
from speechrnn.models.init import init_linear, make_embedding
from speechrnn.models.recurrent import LayerOptions, Unidirectional
from speechrnn.models.streams import BEGIN, PADDING, Stream, chunks

SCORED = 1 << 22
"""Log probabilities held at a time while scoring: 16 MB."""
SCORED_CHUNK = 128
"""Tokens of a sentence that are scored at a time."""


@dataclass(frozen=True)
class LanguageOptions:
    """``model:`` of a language model."""

    cell: str = "lstm"
    """lstm, gru, or any other cell of a recognizer."""
    layers: int = 1
    """Recurrent layers."""
    hidden: int = 256
    """Units per layer."""
    embedding: int = 128
    """Dimensions of a token's vector."""
    dropout: float = 0.3
    """Share of values dropped before, between and after the layers while training (Zaremba et al. 2014)."""
    tie: bool = False
    """The output weights are the embedding (Press and Wolf 2017), which then has as many dimensions as a layer has outputs."""

    def __post_init__(self) -> None:
        check_cell(self.cell)
        for name in ("layers", "hidden", "embedding"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}", "at least 1")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout is {self.dropout}", "a share in [0, 1)")


class LanguageNetwork(nn.Module):
    """Token ids (B, L) to log probabilities (B, L, K) of what comes next; ``<s>`` never does.

    Args:
        options: see :class:`LanguageOptions`.
        n_tokens: K; the first three are ``<unk>``, ``<s>``, ``</s>``.

    Raises:
        UsageError: tied weights of different sizes.
    """

    def __init__(self, options: LanguageOptions, n_tokens: int) -> None:
        super().__init__()
        o = options
        self.options = o
        self.embedding = make_embedding(n_tokens, o.embedding)
        self.dropout = nn.Dropout(o.dropout)
        self.layers = nn.ModuleList()
        size = o.embedding
        for _ in range(o.layers):
            layer = Unidirectional(LayerOptions(o.cell, o.hidden), size)
            self.layers.append(layer)
            size = layer.size
        if o.tie and size != o.embedding:
            raise UsageError(
                f"tied weights: the embedding has {o.embedding} dimensions and the last layer {size} outputs", "make them equal"
            )
        self.output = None if o.tie else nn.Linear(size, n_tokens, bias=False)
        if self.output is not None:
            init_linear(self.output)
        self.bias = nn.Parameter(torch.zeros(n_tokens))

    def forward(self, tokens: Tensor, states: Sequence[State] | None = None) -> tuple[Tensor, tuple[State, ...]]:
        """Tokens (B, L) after the layers' states -> log probabilities (B, L, K), the states after all L tokens."""
        x = self.dropout(self.embedding(tokens))
        lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        carried = []
        for index, layer in enumerate(self.layers):
            x, state = layer(x, lengths, None if states is None else states[index])
            carried.append(state)
            x = self.dropout(x)
        weight = self.embedding.weight if self.output is None else self.output.weight
        logits = F.linear(x, weight, self.bias)
        never = torch.zeros_like(self.bias)
        never[BEGIN] = -torch.inf
        return (logits + never).log_softmax(-1), tuple(carried)


def first_rows(states: Sequence[State], number: int) -> tuple[State, ...]:
    """States of the first ``number`` rows of a batch, cut off from what led to them."""
    return tuple(
        tuple(part[:, :number].detach().contiguous() for part in state)  # type: ignore[misc]
        if isinstance(state, tuple)
        else state[:, :number].detach().contiguous()
        for state in states
    )


def read_streams(network: LanguageNetwork, streams: Sequence[Stream], length: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Streams in chunks of ``length`` tokens, each chunk from the state after the one before.

    Yields:
        Targets (R, L) of the rows that go on, :data:`~speechrnn.models.streams.PADDING` behind a stream's end; the log
        probabilities (R, L) of the targets, 0 there. Rows stand in order of falling length.
    """
    device = network.bias.device
    states: tuple[State, ...] | None = None
    for chunk in chunks(streams, length):
        inputs, targets = (torch.from_numpy(array).to(device) for array in (chunk.inputs, chunk.targets))
        states = None if states is None else first_rows(states, len(inputs))
        log_probs, states = network(inputs, states)
        real = targets != PADDING
        found = log_probs.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        yield targets, torch.where(real, found, torch.zeros_like(found))


@torch.inference_mode()
def score(network: LanguageNetwork, sentences: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Natural log probabilities of the tokens of sentences, ids (L,), and of their ends: float64, (L + 1,) each.

    Sentences of similar length are read together; none depends on the others beyond rounding.
    """
    found: list[np.ndarray] = [np.empty(0)] * len(sentences)
    order = sorted(range(len(sentences)), key=lambda index: -len(sentences[index]))
    while order:
        longest = min(len(sentences[order[0]]) + 1, SCORED_CHUNK)
        rows = max(1, SCORED // (longest * len(network.bias)))
        batch, order = order[:rows], order[rows:]
        streams = [Stream.of(sentences[index]) for index in batch]
        parts: list[list[np.ndarray]] = [[] for _ in batch]
        for targets, log_probs in read_streams(network, streams, SCORED_CHUNK):
            real, values = (targets != PADDING).cpu().numpy(), log_probs.cpu().double().numpy()
            for row in range(len(values)):
                parts[row].append(values[row, real[row]])
        for index, part in zip(batch, parts, strict=True):
            found[index] = np.concatenate(part)
    return found
