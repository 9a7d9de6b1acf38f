"""A folder of recordings, each beside a text file of the same name: ``story 1/été.wav`` and ``story 1/été.txt``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from speechrnn import audio
from speechrnn.data.folders import as_named, files_in, unread
from speechrnn.data.importers.common import ImportOptions, finish
from speechrnn.data.prepared import SUFFIXES, Prepared, Track, silent, whole_file
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.text.files import read_text
from speechrnn.text.normalize import normalize


def import_data(source: Path, out: Path, *, options: ImportOptions = ImportOptions(), track: Track = silent) -> Prepared:
    """Read a folder and all folders in it.

    A recording that cannot be decoded, has no text file or an empty one is left out and named in the result's
    ``problems``; so is a text file without a recording, and sound of a kind that is not read. Transcripts are brought to NFC
    with single spaces; their case and punctuation stay.

    Raises:
        DataError: no such folder, or nothing in it that can be used.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder", "give the folder that holds the recordings and their .txt files")
    files = files_in(source)
    recordings, problems = _recordings(files)
    texts = [path for path in files if path.suffix.lower() == ".txt"]
    used: set[Path] = set()
    utterances: dict[str, Utterance] = {}
    for stem, path in track(sorted(recordings.items()), "import", len(recordings)):
        try:
            utterance, text = _utterance(source, stem, path, options)
        except DataError as error:
            problems.append(error.message)
            used |= {file for file in [_text_file(stem)] if file.is_file()}
            continue
        used.add(text)
        if utterance.id in utterances:
            problems.append(f"{path}: its id {utterance.id!r} is that of {utterances[utterance.id].audio} too")
            continue
        utterances[utterance.id] = utterance
    foreign = {path: said for path, said in unread(files).items() if path.with_suffix("") not in recordings}
    problems += foreign.values()
    explained = used | {_text_file(path.with_suffix("")) for path in foreign}
    problems += [f"{path}: no recording of that name" for path in texts if path not in explained]
    return finish(source, out, "folder", {"train": list(utterances.values())}, options, problems=problems, transcripts=sorted(used))


def _recordings(files: Sequence[Path]) -> tuple[dict[Path, Path], list[str]]:
    """Path without suffix -> recording; where two differ in their suffix only, the first of ``SUFFIXES`` is taken."""
    recordings: dict[Path, Path] = {}
    problems = []
    found = (path for path in files if path.suffix.lower() in SUFFIXES)
    for path in sorted(found, key=lambda path: (SUFFIXES.index(path.suffix.lower()), path)):
        stem = path.with_suffix("")
        if stem in recordings:
            problems.append(f"{path}: {recordings[stem].name} is taken in its place")
        recordings.setdefault(stem, path)
    return recordings, problems


def _text_file(stem: Path) -> Path:
    for suffix in (".txt", ".TXT"):
        path = as_named(stem.with_name(stem.name + suffix))
        if path.is_file():
            return path
    return stem.with_name(f"{stem.name}.txt")


def _utterance(source: Path, stem: Path, path: Path, options: ImportOptions) -> tuple[Utterance, Path]:
    text_file = _text_file(stem)
    if not text_file.is_file():
        raise DataError(f"{path}: no transcript {text_file.name} beside it")
    text = normalize(read_text(text_file))
    if not text:
        raise DataError(f"{text_file}: empty")
    audio.verify(path)
    relative = stem.relative_to(source)
    speaker = _speaker(relative, options.speaker_from)
    return whole_file(identity(relative.as_posix()), path, text, speaker=speaker, language=options.language), text_file


def _speaker(relative: Path, rule: str) -> str:
    if rule == "folder":
        return identity(relative.parent.name)
    if rule == "prefix":
        return identity(re.split(r"[_-]", relative.name, maxsplit=1)[0])
    return ""


def identity(name: str) -> str:
    """A name as an id: NFC, ``/`` as ``-``, white space as ``_``, since ids stand in files split at spaces.

    >>> identity("story 1/e\\u0301te\\u0301 (2)")
    'story_1-été_(2)'
    """
    return re.sub(r"\s+", "_", unicodedata.normalize("NFC", name.strip())).replace("/", "-")
