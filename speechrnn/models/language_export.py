"""A recurrent language model to a model directory and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from speechrnn.config import to_yaml
from speechrnn.errors import DataError
from speechrnn.modeldir import model_folder, read_model, write_model
from speechrnn.models.language import LanguageNetwork, LanguageOptions
from speechrnn.models.stored import REMEDY, arrays, network_over, read_options, tensors
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import read_tokens

LEXICON, LETTERS = "lexicon.txt", "letters.txt"
"""Files by which texts become tokens, where there are such: of phones, of letters."""
FIRST = ("<unk>", "<s>", "</s>")
"""What ``tokens.txt`` begins with."""


@dataclass(frozen=True)
class LanguageModelOptions:
    """What a network reads, and how texts become that: ``config.yaml``."""

    model: LanguageOptions = LanguageOptions()
    unit: str = "word"
    """word, phone or letter: what the tokens are."""
    word_boundary: bool = False
    """For letters: spaces are the token ``<space>``."""
    text: TextOptions = TextOptions()
    """Normalization of texts."""


@dataclass(frozen=True, slots=True)
class StoredLanguage:
    """What a model directory of kind lm holds.

    Attributes:
        id: name and checksum.
        info: content of ``model.json``.
        options: of the network and of texts.
        tokens: K of them, the reserved ones first.
        lexicon, letters: files that turn texts into tokens, where there are such.
        weights: by name.
    """

    id: str
    info: dict[str, Any]
    options: LanguageModelOptions
    tokens: tuple[str, ...]
    lexicon: Path | None
    letters: Path | None
    weights: dict[str, Tensor]

    def network(self) -> LanguageNetwork:
        """The network over these weights (not a copy of them), in evaluation mode, on the CPU.

        Raises:
            DataError: as :func:`~speechrnn.models.stored.network_over`.
        """
        options = self.options.model
        return network_over(self.weights, options.layers, partial(LanguageNetwork, options, len(self.tokens)), self.id)


def write_language(
    path: Path,
    options: LanguageModelOptions,
    tokens: Sequence[str],
    weights: Mapping[str, Tensor],
    info: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model directory of kind lm; ``files`` are :data:`LEXICON` and :data:`LETTERS` where the texts need them."""
    texts: dict[str, str | bytes] = {
        "config.yaml": to_yaml(options),
        "tokens.txt": "".join(f"{token}\n" for token in tokens),
        "text.yaml": to_yaml(options.text),
        "README.md": _card(options, tokens, info),
        **(files or {}),
    }
    write_model(path, "lm", arrays(weights), texts, {"tokens": len(tokens), **info})


def _card(options: LanguageModelOptions, tokens: Sequence[str], info: Mapping[str, Any]) -> str:
    o, data = options.model, info.get("data", {})
    measures = "\n".join(f"- {name}: {value}" for name, value in info.get("measures", {}).items())
    return (
        f"# {info.get('name', 'model')}\n\n"
        f"A recurrent language model, {o.cell.upper()} of {o.layers} x {o.hidden}, over {len(tokens)} tokens ({options.unit}).\n\n"
        f"Trained on: {data.get('title', 'own texts')}. Licence of the data: {data.get('licence', 'not stated')}.\n\n"
        f"Measured while training:\n\n{measures or '- nothing'}\n\n"
        "Use: `speechrnn lm score TEXT -m THIS_FOLDER`, `speechrnn transcribe FILE -m MODEL --rescore THIS_FOLDER`\n"
    )


def read_language(path: str | Path) -> StoredLanguage:
    """Read a model directory of kind lm.

    Raises:
        DataError: missing, damaged, hostile, of another kind or a newer release.
    """
    path = model_folder(Path(path))
    files = read_model(path)
    if files.info["kind"] != "lm":
        raise DataError(
            f"{path}: a model of kind {files.info['kind']}, not lm",
            "speechrnn lm train --recurrent makes a language model",
        )
    options = read_options(LanguageModelOptions, files.file("config.yaml"))
    text = read_options(TextOptions, files.file("text.yaml"))
    if options.text != text:
        raise DataError(f"{path}: config.yaml and text.yaml hold different rules for texts", REMEDY)
    # A recognizer's first token is the blank, which the reader adds where it is missing.
    _, *tokens = read_tokens(files.file("tokens.txt"), text.unicode)
    if tuple(tokens[: len(FIRST)]) != FIRST or len(set(tokens)) != len(tokens):
        raise DataError(f"{path / 'tokens.txt'}: not {' '.join(FIRST)} and then different tokens", REMEDY)
    lexicon, letters = (files.file(name) if name in files.info["sha256"] else None for name in (LEXICON, LETTERS))
    return StoredLanguage(files.id, files.info, options, tuple(tokens), lexicon, letters, tensors(files.weights))
