"""Training of recurrent language models by truncated backpropagation through time with carried state.

Williams and Peng (1990); Mikolov et al. (2010). A stream of tokens is cut into chunks; gradients reach back to the beginning of
a chunk, the state reaches on. A stream is a sentence, or many joined, as ``joined`` says.

A loop of its own, not Lightning's: an epoch takes seconds on a CPU, and of what Lightning does for recognizers (several devices,
mixed precision, resuming) a model of this size needs nothing, while its import alone takes as long as an epoch.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.data.plan import Limits, plan_epoch
from speechrnn.data.prepared import Track, silent
from speechrnn.data.randomness import generator
from speechrnn.errors import UsageError
from speechrnn.models.denormals import flushed_to_zero
from speechrnn.models.language import LanguageNetwork, read_streams, score
from speechrnn.models.streams import Stream
from speechrnn.training.seeding import seed_torch

logger = logging.getLogger("speechrnn")
PATIENCE = 4
"""Epochs in a row without a better dev that end a training; after each the learning rate is halved."""
ENOUGH = 1e-3
"""Share by which dev's perplexity has to fall to count as better."""


@dataclass(frozen=True)
class LanguageTraining:
    """How a recurrent language model is trained."""

    bptt: int = 35
    """Tokens that gradients reach back at most."""
    batch: int = 32
    """Streams read side by side."""
    epochs: int = 30
    """Most passes over the texts."""
    learning_rate: float = 2e-3
    """Of Adam at the beginning; halved after every epoch that does not improve dev."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    joined: bool = False
    """Join sentences, shuffled anew each epoch, to as many streams as a batch has, the state carried from one to the next;
    otherwise each sentence begins with the zero state, as in scoring."""
    seed: int = 1
    """Of weights, dropout and the order of sentences."""

    def __post_init__(self) -> None:
        for name in ("bptt", "batch", "epochs"):
            if getattr(self, name) < 1:
                raise UsageError(f"the {name} is {getattr(self, name)}", "at least 1")
        for name in ("learning_rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"the {name.replace('_', ' ')} is {getattr(self, name)}", "a number above 0")


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epoch: done so far.
        best_epoch: the one whose weights are kept; 0: none.
        perplexity: of dev, then.
    """

    epoch: int = 0
    best_epoch: int = 0
    perplexity: float = field(default=math.inf)


def plan(sentences: Sequence[np.ndarray], options: LanguageTraining, epoch: int) -> list[list[Stream]]:
    """The streams of an epoch, batch by batch: a pure function of sentences, seed and epoch."""
    lengths = np.array([len(sentence) + 1 for sentence in sentences], np.float64)
    if not options.joined:
        batches = plan_epoch(lengths, options.seed, epoch, Limits(options.batch, math.inf))
        return [[Stream.of(sentences[index]) for index in batch] for batch in batches]
    order = generator(options.seed, "sentences", epoch).permutation(len(sentences))
    # Whole sentences, dealt so that the streams are of one length but for a sentence.
    middle = np.cumsum(lengths[order]) - lengths[order] / 2
    stream_of = np.minimum(middle * options.batch // lengths.sum(), options.batch - 1).astype(np.int64)
    parts = [order[stream_of == stream] for stream in range(options.batch)]
    return [[Stream.of(*(sentences[index] for index in part)) for part in parts if len(part)]]


@flushed_to_zero()
def train_language(
    network: LanguageNetwork,
    sentences: Sequence[np.ndarray],
    dev: Sequence[np.ndarray],
    options: LanguageTraining,
    keep: Callable[[dict[str, Tensor], Progress], None],
    progress: Progress | None = None,
    track: Track = silent,
) -> Progress:
    """Train until dev no longer improves; the best weights are handed to ``keep`` as they are found.

    Args:
        network: on its device, with its first weights.
        sentences, dev: ids without begin and end, each (L,).
        options: see :class:`LanguageTraining`.
        keep: takes weights and how good they are.
        progress: kept up to date, for whoever stops the training.
        track: shows progress.

    Returns:
        How it ended.
    """
    progress = progress or Progress()
    optimizer = torch.optim.Adam(network.parameters(), options.learning_rate, fused=True)
    stale, best = 0, math.inf
    for epoch in range(1, options.epochs + 1):
        begun = time.monotonic()
        loss = _epoch(network, optimizer, plan(sentences, options, epoch), options, epoch, track)
        perplexity = perplexity_of(network, dev)
        progress.epoch = epoch
        logger.info(
            "epoch %d: perplexity %.3f in training, %.3f on dev, learning rate %.2g, %.0f s",
            epoch, math.exp(min(loss, 700)), perplexity, optimizer.param_groups[0]["lr"], time.monotonic() - begun,
        )  # fmt: skip
        if perplexity < progress.perplexity:
            progress.best_epoch, progress.perplexity = epoch, perplexity
            keep({name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}, progress)
        if perplexity < best * (1 - ENOUGH):
            stale, best = 0, perplexity
            continue
        stale += 1
        if stale == PATIENCE:
            break
        for group in optimizer.param_groups:
            group["lr"] /= 2
    return progress


def perplexity_of(network: LanguageNetwork, sentences: Sequence[np.ndarray]) -> float:
    """Perplexity over tokens and sentence ends, each sentence from the zero state."""
    network.eval()
    log_probs = np.concatenate(score(network, sentences))
    return math.exp(min(-float(log_probs.mean()), 700.0))


def _epoch(
    network: LanguageNetwork,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Sequence[Stream]],
    options: LanguageTraining,
    epoch: int,
    track: Track,
) -> float:
    """One pass: a step a chunk; the mean loss of a token in nats."""
    network.train()
    seed_torch(options.seed, "language", epoch)
    steps = sum(-(-max(map(len, batch)) // options.bptt) for batch in batches)
    tokens = sum(len(stream) for batch in batches for stream in batch)
    chunks = (chunk for batch in batches for chunk in read_streams(network, batch, options.bptt))
    summed = 0.0
    for _, log_probs in track(chunks, f"epoch {epoch}", steps):
        loss = -log_probs.sum()
        optimizer.zero_grad()
        # By the tokens of a step in the mean: a short tail counts by its tokens, not as a whole chunk.
        (loss * (steps / tokens)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        optimizer.step()
        summed += float(loss.detach())
    return summed / tokens
