"""Kaldi data folders: ``wav.scp``, ``text``, and where they exist ``segments`` and ``utt2spk``.

A folder of its own, or one with ``train`` and, where they exist, ``dev`` and ``test`` in it. A ``wav.scp`` may hold
commands (``sph2pipe … |``): those are refused, never executed. So are archives and addresses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from speechrnn import audio
from speechrnn.audio import AudioInfo
from speechrnn.data.importers.common import ImportOptions, finish
from speechrnn.data.prepared import Prepared, Track, silent
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines
from speechrnn.text.normalize import normalize

SPLIT_NAMES = {"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test", "eval")}
"""Folder names that are taken for each split."""
OVERSHOOT_S = 0.5
"""A segment may end this long after its recording, as in Kaldi; it is cut there."""
_ARCHIVE = re.compile(r"\.(ark|scp|gz|tar)(:\d+)?$|:\d+$")


def import_data(source: Path, out: Path, *, options: ImportOptions = ImportOptions(), track: Track = silent) -> Prepared:
    """Read a Kaldi data folder, or the splits in it.

    Utterances that lack a transcript, a recording or a segment's recording, or whose recording cannot be decoded, are
    left out and named in the result's ``problems``.

    Raises:
        DataError: no Kaldi data there, a malformed line, an id that occurs twice, a command in ``wav.scp``.
    """
    folders = _folders(source)
    problems: list[str] = []
    given = {split: _read_folder(folder, options, problems, track) for split, folder in folders.items()}
    transcripts = [folder / "text" for folder in folders.values()]
    return finish(source, out, "kaldi", given, options, problems=problems, transcripts=transcripts)


def _folders(source: Path) -> dict[str, Path]:
    if (source / "wav.scp").is_file():
        return {"train": source}
    found = {}
    for split, names in SPLIT_NAMES.items():
        folder = next((source / name for name in names if (source / name / "wav.scp").is_file()), None)
        if folder is not None:
            found[split] = folder
    if "train" not in found:
        raise DataError(f"{source}: no wav.scp in it, nor in {source / 'train'}", "give a Kaldi data folder, with wav.scp and text")
    return found


def _read_folder(folder: Path, options: ImportOptions, problems: list[str], track: Track) -> list[Utterance]:
    paths = {name: _recording(folder, name, *entry) for name, entry in _table(folder / "wav.scp").items()}
    texts = _table(folder / "text", empty=True)
    segments = _segments(folder / "segments", paths)
    speakers = _table(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
    _compare(folder, set(texts), set(segments), problems)
    used = sorted({segments[identity][0] for identity in texts if identity in segments})
    problems += [f"{folder / 'segments'}: the recording {name} is not in wav.scp" for name in used if name not in paths]
    known = [name for name in used if name in paths]
    headers = {name: _header(paths[name], problems) for name in track(known, f"import {folder.name}", len(known))}
    utterances = []
    for identity, (_, text) in texts.items():
        name, start, end = segments.get(identity, ("", 0.0, None))
        found = headers.get(name)
        if found is None:
            continue
        speaker = speakers.get(identity, (0, ""))[1]
        whole = _whole(identity, paths[name], found, text, speaker, options.language)
        try:
            utterances.append(_cut(whole, start, end, folder))
        except DataError as error:
            problems.append(error.message)
    return utterances


def _whole(identity: str, path: Path, found: AudioInfo, text: str, speaker: str, language: str) -> Utterance:
    return Utterance(
        id=identity,
        audio=path.absolute(),
        sampling_rate=found.sampling_rate,
        offset=0,
        num_samples=found.num_samples,
        channel=None,
        text=normalize(text),
        speaker=speaker,
        language=language,
        channels=found.channels,
    )


def _table(path: Path, *, empty: bool = False) -> dict[str, tuple[int, str]]:
    """``id rest`` lines: id -> (line number, rest); the rest may be empty only where ``empty`` says so."""
    table: dict[str, tuple[int, str]] = {}
    for number, line in numbered_lines(path, "a Kaldi data folder has wav.scp and text"):
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        if key in table:
            raise DataError(
                f"{path}, line {number}: the id {key!r} occurs in line {table[key][0]} already", "give every line its own id"
            )
        if not rest.strip() and not empty:
            raise DataError(f"{path}, line {number}: {line!r} has an id and nothing else", "each line is an id and its value")
        table[key] = (number, rest.strip())
    return table


def _recording(folder: Path, name: str, line: int, value: str) -> Path:
    where = f"{folder / 'wav.scp'}, line {line}"
    if "|" in value or value == "-":
        raise DataError(
            f"{where}: {name} is a command, {value!r}; commands are refused and never executed",
            "run it yourself, save its output as a WAV file, and write that file's path in wav.scp",
        )
    if "://" in value or _ARCHIVE.search(value):
        raise DataError(f"{where}: {name} is {value!r}, an archive or an address", "write the path of an audio file in wav.scp")
    path = Path(value)
    return path if path.is_absolute() or path.is_file() else folder / path


def _segments(path: Path, recordings: dict[str, Path]) -> dict[str, tuple[str, float, float | None]]:
    """Utterance -> (recording, start, end) in s; without a ``segments`` file every recording is one utterance."""
    if not path.is_file():
        return {name: (name, 0.0, None) for name in recordings}
    segments: dict[str, tuple[str, float, float | None]] = {}
    for identity, (number, rest) in _table(path).items():
        try:
            name, start, end = rest.split()[:3]
            segments[identity] = (name, float(start), float(end))
        except ValueError:
            raise DataError(f"{path}, line {number}: not ID RECORDING START END", "write times in seconds") from None
    return segments


def _compare(folder: Path, texts: set[str], segments: set[str], problems: list[str]) -> None:
    other = "segments" if (folder / "segments").is_file() else "wav.scp"
    problems += [f"{folder / 'text'}: {identity} is not in {other}" for identity in sorted(texts - segments)]
    problems += [f"{folder / other}: {identity} is not in text" for identity in sorted(segments - texts)]


def _header(path: Path, problems: list[str]) -> AudioInfo | None:
    try:
        return audio.verify(path)
    except DataError as error:
        problems.append(error.message)
        return None


def _cut(whole: Utterance, start: float, end: float | None, folder: Path) -> Utterance:
    """The stretch from ``start`` to ``end`` (s; -1 or ``None``: to the end)."""
    if not whole.text:
        raise DataError(f"{folder / 'text'}: {whole.id} has no words")
    total, rate = whole.num_samples, whole.sampling_rate
    first = round(start * rate)
    last = total if end is None or end == -1 else round(end * rate)
    if not 0 <= first < last or last > total + OVERSHOOT_S * rate or first >= total:
        raise DataError(f"{folder / 'segments'}: {whole.id} runs from {start} to {end} s, its recording lasts {total / rate:.2f} s")
    last = min(last, total)
    return replace(whole, offset=first, num_samples=last - first, recording_samples=None if last == total else total)
