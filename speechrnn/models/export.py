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
from speechrnn.errors import DataError
from speechrnn.modeldir import read_model, write_model
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.stored import REMEDY, arrays, network_over, read_options, tensors
from speechrnn.text.counts import COUNTS, counts_text, read_counts
from speechrnn.text.lexicon import lines, read_lexicon
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer, read_tokens


@dataclass(frozen=True, slots=True)
class StoredAcoustic:
    """What a model directory of kind rnn holds."""

    id: str
    info: dict[str, Any]
    options: ModelOptions
    tokenizer: Tokenizer
    weights: dict[str, Tensor]

    def network(self) -> AcousticModel:
        """The network over these weights (not a copy of them), in evaluation mode, on the CPU.

        Raises:
            DataError: as :func:`~speechrnn.models.stored.network_over`.
        """
        make = partial(AcousticModel, self.options, self.tokenizer.tokens)
        return network_over(self.weights, self.options.model.layers, make, self.id)


def write_acoustic(
    path: Path, options: ModelOptions, tokenizer: Tokenizer, weights: Mapping[str, Tensor], info: Mapping[str, Any]
) -> None:
    """Write a model directory of kind rnn."""
    texts = {
        "config.yaml": to_yaml(_portable(options)),
        "tokens.txt": "".join(f"{token}\n" for token in tokenizer.tokens),
        "text.yaml": to_yaml(options.text),
    }
    if tokenizer.unit == "phones":
        texts["lexicon.txt"] = "".join(lines(tokenizer.pronunciations))
    if tokenizer.counts:
        texts[COUNTS] = counts_text(tokenizer.counts)
    texts["README.md"] = _card(options, tokenizer, info)
    write_model(path, "rnn", arrays(weights), texts, {"tokens": len(tokenizer), **info})


def _portable(options: ModelOptions) -> ModelOptions:
    """Without paths of the machine it was trained on: the files they named are in the model directory."""
    return dataclasses.replace(options, head=dataclasses.replace(options.head, tokens=None, lexicon=None))


def _card(options: ModelOptions, tokenizer: Tokenizer, info: Mapping[str, Any]) -> str:
    data = info.get("data", {})
    measures = "\n".join(f"- {name}: {value}" for name, value in info.get("measures", {}).items())
    direction = "bidirectional" if options.model.bidirectional else "unidirectional"
    return (
        f"# {info.get('name', 'model')}\n\n"
        f"A {direction} {options.model.cell.upper()} of {options.model.layers} x {options.model.hidden} with CTC "
        f"over {len(tokenizer)} tokens ({tokenizer.unit}), for recordings at {options.sampling_rate} Hz.\n\n"
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
    pronunciations = read_lexicon(files.file("lexicon.txt"), text.unicode) if options.head.unit == "phones" else {}
    counts = read_counts(files.file(COUNTS)) if COUNTS in files.info["sha256"] else {}
    tokenizer = Tokenizer(read_tokens(files.file("tokens.txt"), text.unicode), options.head.unit, pronunciations, counts)
    return StoredAcoustic(files.id, files.info, options, tokenizer, tensors(files.weights))


__all__ = ["StoredAcoustic", "read_acoustic", "write_acoustic"]
