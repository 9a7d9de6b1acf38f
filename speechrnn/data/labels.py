"""Labels and values of utterances: from a text, a speaker, a language, or a field that the corpus brings along."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, listed
from speechrnn.text.labels import Labels
from speechrnn.text.normalize import TextOptions, normalize

logger = logging.getLogger("speechrnn")
FIELD = "label"
"""The field of a manifest that holds labels where there is one."""


def label_source(utterances: Sequence[Utterance]) -> str:
    """Where labels come from if nobody says: the field ``label`` where the manifest has it, else the text."""
    return FIELD if any(FIELD in utterance.custom for utterance in utterances) else "text"


def with_texts(utterances: Sequence[Utterance], source: str) -> list[Utterance]:
    """Utterances whose text is what a field of the manifest holds, such as a translation; ``text``: as they are.

    Raises:
        DataError: utterances without such a text, with their ids.
    """
    if source == "text":
        return list(utterances)
    found = [replace(utterance, text=_field(utterance, source)) for utterance in utterances]
    without = [utterance.id for utterance in found if not utterance.text]
    if without:
        there = sorted({name for utterance in utterances for name in utterance.custom})
        raise DataError(
            f"{len(without)} of {len(found)} utterances have no text in {source!r}: {listed(without)}",
            f"head.text is text or a field of the manifest; fields there are: {', '.join(there) or 'none'}",
        )
    return found


def _field(utterance: Utterance, source: str) -> str:
    """What a field holds on one line, empty where there is none."""
    value = utterance.custom.get(source, "")
    return "" if value is None or isinstance(value, dict | list) else " ".join(str(value).split())


def label_of(utterance: Utterance, source: str, text: TextOptions) -> str:
    """The label of an utterance, empty where it has none.

    Args:
        source: ``text`` (normalized), ``speaker``, ``language``, or the name of a field of the manifest.
        text: how texts are normalized.
    """
    if source == "text":
        return normalize(utterance.text, text)
    if source in ("speaker", "language"):
        return str(getattr(utterance, source))
    return _field(utterance, source)


def value_of(utterance: Utterance, source: str) -> float:
    """The number in a field of the manifest; NaN where there is none."""
    value = utterance.custom.get(source)
    try:
        return float(value) if not isinstance(value, bool) and value is not None else math.nan
    except (TypeError, ValueError):
        return math.nan


def learn_labels(utterances: Sequence[Utterance], source: str, text: TextOptions) -> Labels:
    """The classes of training utterances, in the order of their names.

    Raises:
        DataError: utterances without a label; fewer than two classes; no class that occurs twice.
    """
    found = {utterance.id: label_of(utterance, source, text) for utterance in utterances}
    without = [identity for identity, label in found.items() if not label]
    if without:
        raise DataError(
            f"{len(without)} of {len(found)} training utterances have no label in {source!r}: {listed(without)}",
            "head.label says where labels are: text, speaker, language, or a field of the manifest",
        )
    counts = Counter(found.values())
    if len(counts) < 2:
        raise DataError(f"all training utterances are of one class, {next(iter(counts), '')!r}", "give two classes or more")
    if max(counts.values()) < 2:
        raise DataError(
            f"{len(counts)} utterances with {len(counts)} different labels in {source!r}, such as {listed(counts, 2)}",
            "these are no classes; head.label says where labels are: text, speaker, language, or a field of the manifest",
        )
    rare = [label for label, count in counts.items() if count < 2]
    if rare:
        logger.warning("%d of %d classes have a single training utterance: %s", len(rare), len(counts), listed(rare))
    return Labels(tuple(sorted(counts)))
