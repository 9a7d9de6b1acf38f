"""An acoustic model to a model directory and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from speechrnn.config import to_yaml
from speechrnn.errors import DataError, Unsupported
from speechrnn.modeldir import ModelFiles, model_folder, read_model, write_model
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.framewise import FrameOptions
from speechrnn.models.head import TokenOptions
from speechrnn.models.regression import RegressionOptions
from speechrnn.models.stored import REMEDY, arrays, network_over, read_options, tensors
from speechrnn.text.counts import COUNTS, counts_text, read_counts
from speechrnn.text.labels import Labels, read_labels
from speechrnn.text.lexicon import lines, read_lexicon
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer, read_tokens

HMM = "hmm"
"""The part of a hybrid's model directory that holds its hidden Markov model."""


@dataclass(frozen=True, slots=True)
class StoredAcoustic:
    """What a model directory of kind rnn holds."""

    id: str
    info: dict[str, Any]
    options: ModelOptions
    vocabulary: Tokenizer | Labels
    weights: dict[str, Tensor]

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary of a model that writes texts.

        Raises:
            Unsupported: it names classes.
        """
        if isinstance(self.vocabulary, Labels):
            raise Unsupported(f"{self.id} writes no texts: it gives {self.vocabulary.unit}", "use it with transcribe and evaluate")
        return self.vocabulary

    @property
    def levels_db(self) -> tuple[float, float] | None:
        """The least and the greatest level of what was trained on, where the model takes loudness as it is and tells them."""
        match self.info.get("levels_db"):
            case [float(least), float(most)]:
                return least, most
        return None

    def network(self) -> AcousticModel:
        """The network over these weights (not a copy of them), in evaluation mode, on the CPU.

        Raises:
            DataError: as :func:`~speechrnn.models.stored.network_over`.
        """
        make = partial(AcousticModel, self.options, self.vocabulary.tokens)
        layers = self.options.model.layers + getattr(self.options.head, "layers", 0)
        return network_over(self.weights, layers, make, self.id)


def write_acoustic(
    path: Path, options: ModelOptions, vocabulary: Tokenizer | Labels, weights: Mapping[str, Tensor], info: Mapping[str, Any]
) -> None:
    """Write a model directory of kind rnn."""
    texts = {
        "config.yaml": to_yaml(_portable(options)),
        "tokens.txt": "".join(f"{token}\n" for token in vocabulary.tokens),
        "text.yaml": to_yaml(options.text),
    }
    if isinstance(vocabulary, Tokenizer):
        if vocabulary.unit == "phones":
            texts["lexicon.txt"] = "".join(lines(vocabulary.pronunciations))
        if vocabulary.counts:
            texts[COUNTS] = counts_text(vocabulary.counts)
    texts["README.md"] = _card(options, vocabulary, info)
    hmm = options.head.hmm if isinstance(options.head, FrameOptions) else None
    parts = {HMM: model_folder(hmm)} if hmm else {}
    write_model(path, "rnn", arrays(weights), texts, {"tokens": len(vocabulary), **info}, parts)


def _portable(options: ModelOptions) -> ModelOptions:
    """Without paths of the machine it was trained on: the files they named are in the model directory."""
    if isinstance(options.head, FrameOptions) and options.head.hmm:
        return dataclasses.replace(options, head=dataclasses.replace(options.head, hmm=Path(HMM)))
    if not isinstance(options.head, TokenOptions):
        return options
    return dataclasses.replace(options, head=dataclasses.replace(options.head, tokens=None, lexicon=None))


def _card(options: ModelOptions, vocabulary: Tokenizer | Labels, info: Mapping[str, Any]) -> str:
    data = info.get("data", {})
    measures = "\n".join(f"- {name}: {value}" for name, value in info.get("measures", {}).items())
    direction = "bidirectional" if options.model.bidirectional else "unidirectional"
    return (
        f"# {info.get('name', 'model')}\n\n"
        f"A {direction} {options.model.cell.upper()} of {options.model.layers} x {options.model.hidden}, {options.head.kind} "
        f"over {len(vocabulary)} {'tokens, ' if isinstance(vocabulary, Tokenizer) else ''}{vocabulary.unit}, for recordings at "
        f"{options.sampling_rate} Hz.\n\n"
        f"Trained on: {data.get('title', 'own data')}. Licence of the data: {data.get('licence', 'not stated')}.\n\n"
        f"Measured while training:\n\n{measures or '- nothing'}\n\n"
        "Use: `speechrnn transcribe FILE -m THIS_FOLDER`\n"
    )


def read_acoustic(path: str | Path) -> StoredAcoustic:
    """Read a model directory of kind rnn, or the ``model/`` of a run directory.

    Raises:
        DataError: missing, damaged, hostile, of another kind or a newer release.
    """
    path = Path(path)
    if not (path / "model.json").is_file() and (path / "model" / "model.json").is_file():
        path = path / "model"
    files = read_model(path)
    if files.info["kind"] != "rnn":
        raise DataError(f"{path}: a model of kind {files.info['kind']}, not rnn", "give the model of a recurrent network")
    options = read_options(ModelOptions, files.file("config.yaml"))
    text = read_options(TextOptions, files.file("text.yaml"))
    if options.text != text:
        raise DataError(f"{path}: config.yaml and text.yaml hold different rules for texts", REMEDY)
    return StoredAcoustic(files.id, files.info, options, _vocabulary(files, options), tensors(files.weights))


def _vocabulary(files: ModelFiles, options: ModelOptions) -> Tokenizer | Labels:
    head, form = options.head, options.text.unicode
    if not isinstance(head, TokenOptions):
        unit = "frames" if isinstance(head, FrameOptions) else "value" if isinstance(head, RegressionOptions) else "classes"
        return read_labels(files.file("tokens.txt"), unit)
    pronunciations = read_lexicon(files.file("lexicon.txt"), form) if head.unit == "phones" else {}
    counts = read_counts(files.file(COUNTS)) if COUNTS in files.info["sha256"] else {}
    return Tokenizer(read_tokens(files.file("tokens.txt"), form), head.unit, pronunciations, counts)


__all__ = ["StoredAcoustic", "read_acoustic", "write_acoustic"]
