"""A recurrent language model at work: it scores sentences, draws new ones, and ranks the readings of a beam."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.rescoring import Remembering
from speechrnn.errors import DataError, UsageError
from speechrnn.lm.generate import Generated, GenerateOptions, generate
from speechrnn.lm.symbols import RESERVED
from speechrnn.lm.units import UnitOptions
from speechrnn.modeldir import WEIGHTS
from speechrnn.models.language import score
from speechrnn.models.language_export import read_language
from speechrnn.models.stored import REMEDY
from speechrnn.models.streams import BEGIN, UNKNOWN


class RecurrentLanguageModel:
    """A recurrent language model over words, phones or letters.

    A sentence's scores do not depend on those beside it. Logarithms are natural. Tokens outside the vocabulary are ``<unk>``.

    Args:
        path: a model directory of kind lm.
        device: where it computes.

    Attributes:
        id: name and checksum.
        vocabulary: the K tokens by id, ``<unk>``, ``<s>``, ``</s>`` first.
        units: how texts become tokens.
        checksum: SHA-256 of the weights.
        description: what it is, for reports.
    """

    def __init__(self, path: Path, device: torch.device | None = None) -> None:
        stored = read_language(path)
        o = stored.options
        self._info = stored.info
        self._device = device or torch.device("cpu")
        self._network = stored.network().to(self._device)
        self.id = stored.id
        self.vocabulary = stored.tokens
        self.checksum: str = stored.info["sha256"][WEIGHTS]
        self.description = f"{o.model.cell.upper()} of {o.model.layers} x {o.model.hidden}"
        try:
            self.units = UnitOptions(o.unit, o.text, stored.lexicon, stored.letters, o.word_boundary)
        except UsageError as error:
            raise DataError(f"{path / 'config.yaml'}: {error.message}", REMEDY) from None
        self._ids = {token: index for index, token in enumerate(stored.tokens) if token not in RESERVED}

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``."""
        return {**self._info, "id": self.id}

    def knows(self, token: str) -> bool:
        """Whether a token is in the vocabulary; the reserved ones are not."""
        return token in self._ids

    def score(self, tokens: Sequence[str]) -> np.ndarray:
        """Log probabilities of the L tokens of a sentence and of its end; float64, shape (L + 1,)."""
        return self.score_many([tokens])[0]

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """The same for many sentences, faster."""
        return score(self._network, [self._encode(sentence) for sentence in sentences])

    def generate(self, number: int = 1, options: GenerateOptions = GenerateOptions(), start: Sequence[str] = ()) -> list[Generated]:
        """Draw sentences: see :func:`speechrnn.lm.generate.generate`."""
        return generate(self, number, options, start)

    def begin(self, number: int) -> tuple[np.ndarray, Any]:
        """Log probabilities (N, K) of the first token of N sentences, and their states."""
        return self.go_on(None, np.full(number, BEGIN))

    @torch.inference_mode()
    def go_on(self, states: Any, ids: np.ndarray) -> tuple[np.ndarray, Any]:
        """The same of the token after ``ids`` (N,)."""
        inputs = torch.from_numpy(ids.astype(np.int64)).to(self._device)
        log_probs, states = self._network(inputs[:, None], states)
        return log_probs[:, 0].cpu().double().numpy(), states

    def _encode(self, tokens: Sequence[str]) -> np.ndarray:
        return np.array([self._ids.get(token, UNKNOWN) for token in tokens], np.int64)


def with_rescorer(helpers: Helpers | None, device: torch.device, *, remember: bool = False) -> Helpers | None:
    """Helpers with their recurrent language model opened, where there is one.

    Args:
        helpers: as they were given.
        device: where it computes.
        remember: keep what it says of sentences.

    Raises:
        DataError: as :func:`~speechrnn.models.language_export.read_language`.
    """
    if helpers is None or helpers.rescore is None or not helpers.rescore.is_dir():
        return helpers
    model = RecurrentLanguageModel(helpers.rescore, device)
    return replace(helpers, rescorer=Remembering(model) if remember else model)
