"""What should have been heard: the references of utterances, as a recognizer's outputs are compared with them."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from speechrnn.errors import DataError, listed
from speechrnn.scoring.units import reference_tokens
from speechrnn.text.labels import LABEL_UNITS, SILENCE
from speechrnn.text.lexicon import missing_words
from speechrnn.text.normalize import normalize

if TYPE_CHECKING:
    from speechrnn.data.manifest import Utterance
    from speechrnn.jobs.evaluate import Loaded

logger = logging.getLogger("speechrnn")


def text_source(recognizer: object) -> str:
    """Where the texts are that a recognizer was trained on: ``text``, or a field of the manifest."""
    return str(getattr(recognizer, "text_source", "text"))


def number_source(system: Loaded) -> str:
    """The field of the manifest whose number a recognizer gives; empty where it gives none."""
    recognizer: Any = system.recognizer
    return str(recognizer.label) if recognizer.tokenizer.unit == "value" else ""


def references(utterances: Sequence[Utterance], system: Loaded) -> list[tuple[str, tuple[str, ...]]]:
    """Normalized text and, where they are what is counted, tokens of each reference; labels and numbers as text.

    Raises:
        DataError: a word without pronunciation (phones); an utterance without label or number.
    """
    recognizer = system.recognizer
    texts = [normalize(utterance.text, recognizer.text_options) for utterance in utterances]
    unit = recognizer.tokenizer.unit
    if unit in LABEL_UNITS:
        return _labels(utterances, system)
    if unit == "chars":
        return [(text, ()) for text in texts]
    if unit == "phones":
        missing = missing_words(recognizer.tokenizer.pronunciations, texts)
        if missing:
            raise DataError(
                f"{len(missing)} words of the references have no pronunciation in {system.path}: {listed(missing, 20)}",
                "add them to the lexicon and train anew, or leave their utterances out",
            )
    return [(text, reference_tokens(recognizer.tokenizer, text)) for text in texts]


def _labels(utterances: Sequence[Utterance], system: Loaded) -> list[tuple[str, tuple[str, ...]]]:
    """Labels or numbers of utterances; classes the model was never shown are named, and will be errors.

    Raises:
        DataError: utterances without a label, or without a number.
    """
    from speechrnn.data.labels import label_of

    recognizer: Any = system.recognizer
    if recognizer.tokenizer.unit == "frames":
        return [(" ".join(labels), labels) for labels, _ in (spans(utterance, system) for utterance in utterances)]
    if recognizer.tokenizer.unit == "value":
        return [(number, ()) for number in _numbers(utterances, recognizer.label)]
    labels = [label_of(utterance, recognizer.label, recognizer.text_options) for utterance in utterances]
    without = [utterance.id for utterance, label in zip(utterances, labels, strict=True) if not label]
    if without:
        raise DataError(
            f"{len(without)} of {len(labels)} utterances have no label in {recognizer.label!r}: {listed(without)}",
            "give a manifest with labels where the training data had them",
        )
    unseen = Counter(label for label in labels if label not in recognizer.tokenizer.tokens)
    if unseen:
        logger.warning(
            "%s: %d of %d utterances are of classes it has never seen, and count as errors: %s",
            system.name, unseen.total(), len(labels), listed(unseen),
        )  # fmt: skip
    return [(label, (label,)) for label in labels]


def _numbers(utterances: Sequence[Utterance], source: str) -> list[str]:
    """Numbers in a field of the manifest, as text that holds all their digits.

    Raises:
        DataError: utterances without one.
    """
    from speechrnn.data.labels import value_of

    values = [value_of(utterance, source) for utterance in utterances]
    without = [utterance.id for utterance, value in zip(utterances, values, strict=True) if not math.isfinite(value)]
    if without:
        raise DataError(
            f"{len(without)} of {len(values)} utterances have no number in {source!r}: {listed(without)}",
            "give a manifest with numbers where the training data had them",
        )
    return [repr(value).removesuffix(".0") for value in values]


def spans(utterance: Utterance, system: Loaded) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    """Labels of an utterance's alignment, but silence, and their times."""
    from speechrnn.data.spans import spans_of

    recognizer: Any = system.recognizer
    spoken = [span for span in spans_of(utterance, recognizer.level) if span[2] != SILENCE]
    return tuple(label for _, _, label in spoken), tuple((start, end) for start, end, _ in spoken)
