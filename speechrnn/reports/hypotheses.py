"""``hypotheses.jsonl``: what each system heard in each utterance, a line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speechrnn.errors import DataError
from speechrnn.scoring.results import Evaluation
from speechrnn.scoring.units import TOKEN_UNITS
from speechrnn.text.files import numbered_lines

_REMEDY = "give a hypotheses.jsonl as speechrnn evaluate writes it"


def hypothesis_records(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """The lines of ``hypotheses.jsonl``: each utterance of each system, utterances outermost, so that systems stand together."""
    for items in zip(*(system.items for system in evaluation.systems), strict=True):
        for system, item in zip(evaluation.systems, items, strict=True):
            record = {
                "id": item.id,
                "system": system.name,
                "unit": system.unit,
                "reference": item.reference,
                "hypothesis": item.hypothesis,
                "tokens": list(item.tokens),
                "times": [[round(start, 4), round(end, 4)] for start, end in item.times],
                "confidences": [round(confidence, 4) for confidence in item.confidences],
            }
            extra = {
                "reference_tokens": list(item.reference_tokens),
                "speaker": item.speaker,
                "duration": round(item.duration, 4),
                "snr": None if item.snr is None else round(item.snr, 1),
                "failure": item.failure,
                # A model of phones or letters writes words where it has a lexicon, and nothing else tells.
                "words": system.unit in TOKEN_UNITS and "wer" in system.metrics,
            }
            yield record | {key: value for key, value in extra.items() if value not in ("", None, [], 0)}


_REQUIRED = {"id": str, "system": str, "unit": str, "reference": str, "hypothesis": str, "tokens": list}


def read_hypotheses(path: Path) -> list[dict[str, Any]]:
    """The lines of a ``hypotheses.jsonl``.

    Raises:
        DataError: a line that is not a hypothesis, with its number.
    """
    records = []
    for number, line in numbered_lines(path):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: not JSON: {error}", _REMEDY) from None
        wrong = [key for key, kind in _REQUIRED.items() if not isinstance(record, dict) or not isinstance(record.get(key), kind)]
        if wrong:
            raise DataError(
                f"{path}, line {number}: {', '.join(wrong)} missing or of the wrong type",
                _REMEDY,
            )
        records.append(record)
    if not records:
        raise DataError(f"{path}: empty", _REMEDY)
    return records
