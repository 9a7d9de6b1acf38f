"""Recurrent language models from texts, opened beside n-gram models, and sentences drawn from either."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechrnn.checksum import sha256
from speechrnn.config import to_plain
from speechrnn.errors import DataError, Interrupted, typed
from speechrnn.jobs.lm import read_sentences
from speechrnn.lm.counting import BEGIN_ID, END_ID, encode
from speechrnn.lm.generate import Generated, GenerateOptions, NgramSteps, generate
from speechrnn.lm.ngram import NgramModel
from speechrnn.lm.units import Splitter, UnitOptions
from speechrnn.modeldir import INFO, read_info

if TYPE_CHECKING:
    from torch import Tensor

    from speechrnn.data.prepared import Track
    from speechrnn.inference.language import RecurrentLanguageModel
    from speechrnn.models.language import LanguageOptions
    from speechrnn.training.language import LanguageTraining, Progress

HELD_OUT = 20
"""Of so many different sentences one is dev where none is given."""

logger = logging.getLogger("speechrnn")
Sentences = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training ended in.

    Attributes:
        sentences, tokens: trained on; sentence ends are no tokens.
        vocabulary: how many tokens it knows, the reserved ones included.
        progress: its epochs, and the perplexity of dev.
    """

    sentences: int
    tokens: int
    vocabulary: int
    progress: Progress


def train_network(
    texts: Sequence[Path],
    out: Path,
    units: UnitOptions,
    options: LanguageOptions,
    training: LanguageTraining,
    *,
    dev: Sequence[Path] = (),
    min_count: int = 1,
    device: str = "auto",
    track: Track | None = None,
) -> TrainedNetwork:
    """Train a recurrent language model and write its directory each time dev improves.

    Args:
        texts: as :func:`speechrnn.jobs.lm.train` takes them.
        out: the model directory.
        units: how texts become tokens.
        options, training: of the network, and how it is trained.
        dev: texts by which the best epoch is chosen; without any, one different sentence in twenty is held out.
        min_count: tokens that occur less often are ``<unk>``.
        device: ``auto``, ``cpu``, ``cuda``.
        track: shows progress.

    Raises:
        DataError: as :func:`speechrnn.jobs.lm.train`; too few sentences to hold some out; ``out`` is something else; a training
            that diverges at once.
        UsageError: phones from a manifest without a lexicon; no such device; tied weights of different sizes.
        Interrupted: stopped by the user; the best model so far is kept.
    """
    from speechrnn.data.prepared import silent
    from speechrnn.models.language import LanguageNetwork
    from speechrnn.models.language_export import LanguageModelOptions, write_language
    from speechrnn.recognizer import pick_device
    from speechrnn.training.language import Progress, train_language
    from speechrnn.training.seeding import seed_torch

    _check_place(out)
    where = pick_device(device)
    sentences = _read(texts, units, track)
    held_out = _read(dev, units, track)
    if not dev:
        sentences, held_out = hold_out(sentences)
        logger.info("%d of %d sentences held out as dev", len(held_out), len(held_out) + len(sentences))
    corpus = encode(sentences, min_count)
    ids = {token: index for index, token in enumerate(corpus.vocabulary)}
    stored = LanguageModelOptions(options, units.unit, units.word_boundary, units.text)
    files = _files(units)
    seed_torch(training.seed)
    network = LanguageNetwork(options, len(corpus.vocabulary)).to(where)
    n_tokens = sum(map(len, sentences))
    logger.info(
        "%d sentences with %d %ss to train on, %d for dev, vocabulary of %d, %.2f M weights",
        len(sentences), n_tokens, units.unit, len(held_out), len(ids), sum(p.numel() for p in network.parameters()) / 1e6,
    )  # fmt: skip
    facts = {"name": out.name, "data": _facts(texts), "training": to_plain(training)}

    def keep(weights: dict[str, Tensor], progress: Progress) -> None:
        measures = {"dev_perplexity": round(progress.perplexity, 4), "epoch": progress.best_epoch}
        write_language(out, stored, corpus.vocabulary, weights, {**facts, "measures": measures}, files)

    progress = Progress()
    try:
        dev_ids = [np.array([ids.get(token, 0) for token in sentence], np.int64) for sentence in held_out]
        train_language(network, _split(corpus.tokens), dev_ids, training, keep, progress, track or silent)
    except KeyboardInterrupt:
        if not progress.best_epoch:
            raise
        raise Interrupted(
            f"stopped in epoch {progress.epoch + 1}",
            f"the best model so far, of epoch {progress.best_epoch} (dev perplexity {progress.perplexity:.2f}), is in {typed(out)}",
        ) from None
    if not progress.best_epoch:
        raise DataError("the training came to nothing: dev's perplexity is no number", "try a smaller --learning-rate")
    return TrainedNetwork(len(sentences), n_tokens, len(ids), progress)


def _check_place(out: Path) -> None:
    """Only an older language model, or nothing, is replaced."""
    if out.is_dir():
        free = read_info(out)["kind"] == "lm" if (out / INFO).is_file() else not any(out.iterdir())
    else:
        free = not out.exists()
    if not free:
        raise DataError(f"{out}: exists and is no language model", "choose another folder; nothing was replaced")


def hold_out(sentences: Sentences) -> tuple[Sentences, Sentences]:
    """Training sentences, and those held out: of the different ones every twentieth by hash, at least one, wherever it occurs.

    Raises:
        DataError: all sentences are equal.
    """
    different = sorted({tuple(sentence) for sentence in sentences}, key=_hash)
    if len(different) < 2:
        raise DataError("all sentences are equal, so none can be held out", "give other texts as --dev")
    chosen = set(different[: max(1, len(different) // HELD_OUT)])
    parts: tuple[list[Sequence[str]], list[Sequence[str]]] = ([], [])
    for sentence in sentences:
        parts[tuple(sentence) in chosen].append(sentence)
    return parts


def _hash(sentence: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(sentence).encode()).digest()


def _read(texts: Iterable[Path], units: UnitOptions, track: Track | None) -> Sentences:
    splitter = Splitter(units)
    found = [tokens for path in texts for _, tokens in read_sentences(path, splitter, track=track)]
    splitter.check()
    return found


def _split(tokens: np.ndarray) -> list[np.ndarray]:
    """The sentences of a corpus, ids without begin and end."""
    begins, ends = np.flatnonzero(tokens == BEGIN_ID), np.flatnonzero(tokens == END_ID)
    return [tokens[begin + 1 : end].astype(np.int64) for begin, end in zip(begins, ends, strict=True)]


def _files(units: UnitOptions) -> dict[str, bytes]:
    """What a model directory needs to make tokens of texts by itself."""
    from speechrnn.models.language_export import LETTERS, LEXICON

    return {name: path.read_bytes() for name, path in ((LEXICON, units.lexicon), (LETTERS, units.tokens)) if path is not None}


def _facts(texts: Sequence[Path]) -> dict[str, Any]:
    """What the model tells about its data: title and licence where all texts are of one corpus, checksums in any case."""
    from speechrnn.data.prepared import read_corpus

    facts: dict[str, Any] = {"sha256": {path.name: sha256(path) for path in texts}}
    if len({path.parent for path in texts}) == 1 and all(path.name.startswith("cuts_") for path in texts):
        corpus = read_corpus(texts[0].parent)
        facts.update({key: corpus[key] for key in ("title", "licence") if isinstance(corpus.get(key), str)})
    return facts


def open_model(path: Path, device: str = "auto") -> NgramModel | RecurrentLanguageModel:
    """A language model: an ARPA file, or a model directory of kind lm.

    Raises:
        DataError: missing, damaged, of another kind.
        UsageError: no such device.
    """
    if not path.is_dir():
        return NgramModel.read_arpa(path)
    from speechrnn.inference.language import RecurrentLanguageModel
    from speechrnn.recognizer import open_device

    return RecurrentLanguageModel(path, open_device(device))


def draw(path: Path, number: int, options: GenerateOptions, start: Sequence[str] = (), device: str = "auto") -> list[Generated]:
    """Sentences drawn from a language model of either kind.

    Raises:
        DataError: as :func:`open_model`.
        UsageError: as :func:`speechrnn.lm.generate.generate`.
    """
    model = open_model(path, device)
    return generate(NgramSteps(model) if isinstance(model, NgramModel) else model, number, options, start)
