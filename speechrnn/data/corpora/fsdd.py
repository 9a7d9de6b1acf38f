"""Free Spoken Digit Dataset (FSDD): ten English digits, 50 times each by six speakers; trimmed, 8 kHz.

``recordings/{digit}_{speaker}_{index}.wav``; index 0-4 is the official test. Recordings last 0.14 to 2.3 s: some are
shorter than a word's letters take at a low frame rate.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from speechrnn.data.prepared import SUFFIXES, Corpus, Prepared, Track, silent, whole_file, write_prepared
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError, nearest

WORDS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")

CORPUS = Corpus(
    name="fsdd",
    title="Free Spoken Digit Dataset (FSDD)",
    source="https://github.com/Jakobovski/free-spoken-digit-dataset",
    licence="CC BY-SA 4.0",
    consent="recorded and contributed by the speakers themselves",
    split_rule="index 0-4 is test (as published), 5-9 dev, the rest train; the same six speakers in all three",
    unit="letters",
)
_NAME = re.compile(r"^(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)$")


def prepare(source: Path, out: Path, *, leave_out: str | None = None, track: Track = silent) -> Prepared:
    """Manifests; each utterance carries its digit as the custom field ``label``.

    Args:
        source: the repository's folder, or its ``recordings``.
        leave_out: a speaker: test is all of that speaker's recordings, dev index 5-9 of the other five, train their rest.

    Raises:
        DataError: no such recordings there.
        UsageError: an unknown speaker.
    """
    folder = source / "recordings" if (source / "recordings").is_dir() else source
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and _NAME.match(path.stem))
    if not files:
        raise DataError(
            f"{folder}: no recordings such as recordings/7_jackson_32.wav", "give the folder of the publisher's repository"
        )
    speakers = {path.stem.split("_")[1] for path in files}
    if leave_out is not None and leave_out not in speakers:
        raise UsageError(f"there is no speaker {leave_out!r} to leave out", nearest(leave_out, speakers))
    splits: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    for path in track(files, "fsdd", len(files)):
        digit, speaker, index = path.stem.split("_")
        text = WORDS[int(digit)]
        utterance = whole_file(path.stem, path, text, speaker=speaker, language="en", custom={"label": digit})
        splits[_split(speaker, int(index), leave_out)].append(utterance)
    return write_prepared(out, _described(leave_out), splits)


def _split(speaker: str, index: int, leave_out: str | None) -> str:
    if leave_out is None:
        return "test" if index < 5 else "dev" if index < 10 else "train"
    if speaker == leave_out:
        return "test"
    return "dev" if 5 <= index < 10 else "train"


def _described(leave_out: str | None) -> Corpus:
    if leave_out is None:
        return CORPUS
    rule = f"test is all recordings of the speaker {leave_out}; dev is index 5-9 of the other five, train the rest of them"
    return dataclasses.replace(CORPUS, title=f"{CORPUS.title}, without {leave_out}", split_rule=rule)
