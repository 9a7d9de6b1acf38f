"""What a data directory holds for a training: its splits, a sampling rate, a unit."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from speechrnn.data.manifest import read_manifest
from speechrnn.data.prepared import read_corpus
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError
from speechrnn.text.tokenizer import UNITS

logger = logging.getLogger("speechrnn")


def manifest_path(data_dir: Path | None, split: str) -> Path:
    """``cuts_<split>.jsonl.gz`` (or unpacked) of a data directory."""
    if data_dir is None:
        raise UsageError("data.dir is not set", "give data.dir=FOLDER, as made by speechrnn data prepare or speechrnn data import")
    if not data_dir.is_dir():
        raise DataError(
            f"{data_dir}: no such data directory",
            "make it with speechrnn data prepare or speechrnn data import, or give data.dir=FOLDER",
        )
    for name in (f"cuts_{split}.jsonl.gz", f"cuts_{split}.jsonl"):
        if (data_dir / name).is_file():
            return data_dir / name
    remedy = "make it with speechrnn data prepare or speechrnn data import"
    if split == "dev" and any((data_dir / f"cuts_train.{ending}").is_file() for ending in ("jsonl.gz", "jsonl")):
        remedy = "training needs some utterances that it does not learn: import again, two recordings or more, with --dev above 0"
    raise DataError(f"{data_dir}: no cuts_{split}.jsonl.gz in it", remedy)


def load_splits(data_dir: Path | None) -> tuple[list[Utterance], list[Utterance]]:
    """Train and dev utterances of a data directory; every recording exists.

    Raises:
        DataError: no such directory, no such manifest, recordings missing.
    """
    train = read_manifest(manifest_path(data_dir, "train"), check_files=True)
    dev = read_manifest(manifest_path(data_dir, "dev"), check_files=True)
    return train, dev


def suggested_unit(data_dir: Path) -> str:
    """The unit ``corpus.json`` names, chars without one."""
    unit = read_corpus(data_dir).get("unit")
    return unit if unit in UNITS else "chars"


def common_rate(utterances: Iterable[Utterance]) -> int:
    """The sampling rate (Hz) a model of these recordings works at: the lowest, at most 16 kHz; nothing is invented above it."""
    seconds: dict[int, float] = {}
    for utterance in utterances:
        seconds[utterance.sampling_rate] = seconds.get(utterance.sampling_rate, 0.0) + utterance.duration
    rate = min(16000, *seconds)
    if rate < min(16000, max(seconds)):
        shares = ", ".join(f"{hz} Hz {100 * s / sum(seconds.values()):.0f} %" for hz, s in sorted(seconds.items()))
        logger.warning(
            "recordings of different sampling rates (%s): all are taken to %d Hz; sampling_rate= changes that", shares, rate
        )
    return rate
