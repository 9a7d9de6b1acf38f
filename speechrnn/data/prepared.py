"""What every corpus ends in: three manifests and ``corpus.json``, which says where they come from."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from speechrnn import audio
from speechrnn.atomic import write_text
from speechrnn.checksum import sha256
from speechrnn.data.manifest import Utterance, read_manifest, write_manifest
from speechrnn.errors import DataError

T = TypeVar("T")
SPLITS = ("train", "dev", "test")
SUFFIXES = (".wav", ".flac", ".sph", ".raw", ".opus", ".ogg", ".mp3", ".aiff", ".aif", ".au")
"""File name endings under which a recording of a known name is looked for, in this order."""


class Track(Protocol):
    """Shows progress over items, as :func:`speechrnn.cli.console.track` does."""

    def __call__(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]: ...


def silent(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """No progress shown."""
    yield from items


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is known of a corpus beside its utterances.

    Attributes:
        name: as on the command line.
        title: full name.
        source: where its publisher keeps it.
        licence: terms of use.
        consent: what is known of the speakers' consent.
        split_rule: how train, dev and test were made, in words.
        unit: tokens that suit its transcripts: ``chars``, ``letters`` (no word boundary) or ``phones``.
    """

    name: str
    title: str
    source: str
    licence: str
    consent: str
    split_rule: str
    unit: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data directory, ready to train on."""

    directory: Path
    manifests: Mapping[str, Path]
    utterances: Mapping[str, int]
    hours: Mapping[str, float]
    problems: tuple[str, ...] = ()
    """What an importer left out and why, a line each."""


def manifest_path(directory: Path, split: str) -> Path:
    """``cuts_train.jsonl.gz`` and its like."""
    return directory / f"cuts_{split}.jsonl.gz"


def write_prepared(
    out: Path,
    corpus: Corpus,
    splits: Mapping[str, Sequence[Utterance]],
    *,
    sources: Sequence[Path] = (),
    problems: Sequence[str] = (),
    **facts: Any,
) -> Prepared:
    """Write manifests and ``corpus.json``; utterances are sorted by id.

    Args:
        out: the data directory, made if need be.
        splits: utterances of train, dev and test.
        sources: the publisher's transcript files, whose checksums are recorded.
        problems: what was left out and why.
        facts: further entries of ``corpus.json``.
    """
    manifests = {}
    for split, utterances in splits.items():
        manifests[split] = manifest_path(out, split)
        write_manifest(manifests[split], sorted(utterances, key=lambda utterance: utterance.id))
    counts = {split: _counts(utterances) for split, utterances in splits.items()}
    everything = [utterance for utterances in splits.values() for utterance in utterances]
    record = {
        "version": 1,
        **asdict(corpus),
        "sampling_rate": _common_rate(everything),
        "min_frame_rate": _min_frame_rate(everything, corpus.unit),
        "splits": counts,
        **facts,
        **({"left_out": list(problems)} if problems else {}),
        "sha256": {
            "manifests": {path.name: sha256(path) for path in manifests.values()},
            "sources": sha256(*sources) if sources else None,
        },
    }
    write_text(out / "corpus.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    for split in SPLITS:
        if split not in splits:
            manifest_path(out, split).unlink(missing_ok=True)
    utterance_counts = {split: row["utterances"] for split, row in counts.items()}
    hours = {split: row["hours"] for split, row in counts.items()}
    return Prepared(out, manifests, utterance_counts, hours, tuple(problems))


def read_corpus(directory: Path) -> dict[str, Any]:
    """The content of ``corpus.json``, or nothing where a data directory has none."""
    path = directory / "corpus.json"
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}", "prepare the data anew") from None
    if not isinstance(record, dict):
        raise DataError(f"{path}: not a JSON object", "prepare the data anew")
    return record


def read_splits(directory: Path, *, check_files: bool = False) -> dict[str, list[Utterance]]:
    """Every split that a data directory has.

    Raises:
        DataError: it has none, or one of them is wrong.
    """
    found = {split: manifest_path(directory, split) for split in SPLITS if manifest_path(directory, split).is_file()}
    if not found:
        what = "no cuts_train.jsonl.gz" if directory.is_dir() else "no such folder"
        raise DataError(f"{directory}: {what}", "give a data directory as speechrnn data prepare writes it")
    return {split: read_manifest(path, check_files=check_files) for split, path in found.items()}


def find_audio(stem: Path) -> Path:
    """The recording of that name, whatever its format.

    Raises:
        DataError: there is none.
    """
    for suffix in SUFFIXES:
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            return path
    raise DataError(f"{stem}.*: no recording of that name", f"looked for {' '.join(SUFFIXES)}; fetch the corpus again")


def whole_file(identity: str, path: Path, text: str, **fields: Any) -> Utterance:
    """An utterance that is all of one file; its header is read for the length."""
    found = audio.info(path)
    return Utterance(
        id=identity,
        audio=path.absolute(),
        sampling_rate=found.sampling_rate,
        offset=0,
        num_samples=found.num_samples,
        channel=None,
        text=text,
        channels=found.channels,
        **fields,
    )


def require(path: Path, corpus: Corpus, is_what: Callable[[Path], bool] = Path.exists) -> Path:
    """``path`` if it stands where the publisher puts it.

    Raises:
        DataError: naming what was expected.
    """
    if not is_what(path):
        raise DataError(
            f"{path}: not found, but part of {corpus.title} in its publisher's layout",
            f"give the folder as it comes from {corpus.source}",
        )
    return path


def _counts(utterances: Sequence[Utterance]) -> dict[str, Any]:
    speakers = sorted({utterance.speaker for utterance in utterances} - {""})
    seconds = [utterance.duration for utterance in utterances]
    return {
        "utterances": len(utterances),
        "hours": round(sum(seconds) / 3600, 4),
        "words": sum(len(utterance.text.split()) for utterance in utterances),
        "shortest_s": round(min(seconds, default=0.0), 3),
        "longest_s": round(max(seconds, default=0.0), 3),
        "speakers": speakers,
    }


def _common_rate(utterances: Sequence[Utterance]) -> int:
    """The rate (Hz) of most recordings."""
    rates = sorted(utterance.sampling_rate for utterance in utterances)
    return max(dict.fromkeys(rates), key=rates.count) if rates else 0


def _min_frame_rate(utterances: Sequence[Utterance], unit: str) -> float:
    """Frames per second that leave every utterance as many frames as CTC needs: letters and adjacent repeats."""
    needed = 0.0
    for utterance in utterances:
        letters = utterance.text.replace(" ", "") if unit == "letters" else utterance.text
        repeats = sum(a == b for a, b in itertools.pairwise(letters))
        needed = max(needed, (len(letters) + repeats) / utterance.duration)
    return math.ceil(needed * 10) / 10
