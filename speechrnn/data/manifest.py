"""Manifests: files of Lhotse cuts, a line an utterance, read through one gate and written with Lhotse's own classes."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from speechrnn.atomic import atomic_path
from speechrnn.data.gate import parse_cut
from speechrnn.data.utterance import AlignedItem, Utterance
from speechrnn.errors import DataError, listed

__all__ = ["AlignedItem", "Utterance", "read_manifest", "write_manifest"]

MAX_LINE_BYTES = 4_000_000
"""No cut of one utterance is longer; protects against a compressed bomb."""


def read_manifest(path: str | Path, *, check_files: bool = False) -> list[Utterance]:
    """Read ``.jsonl`` or ``.jsonl.gz`` cuts, in order.

    Args:
        path: the manifest. Relative audio paths in it start at its folder.
        check_files: also make sure that every recording exists.

    Raises:
        DataError: with path and line: no such file, damaged, empty, not a cut, a kind of cut or recording that is
            refused, a value that makes no sense, an id that occurs twice, a missing recording.
    """
    path = Path(path)
    folder = path.parent.absolute()
    utterances: list[Utterance] = []
    lines: dict[str, int] = {}
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        utterance = parse_cut(line, folder, where)
        if utterance.id in lines:
            raise DataError(
                f"{where}: the id {utterance.id!r} occurs in line {lines[utterance.id]} already", "give every utterance its own id"
            )
        lines[utterance.id] = number
        utterances.append(utterance)
    if not utterances:
        raise DataError(f"{path}: no utterances in it", "prepare or import the data anew")
    if check_files:
        _check_files(path, utterances)
    return utterances


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write Lhotse cuts, ``.jsonl.gz``: whole or not at all, the same bytes for the same utterances.

    A recording inside the manifest's folder is written by its relative path, others by their absolute one.

    Raises:
        DataError: Lhotse's own validation, or the disk, refuses them; the id is named.
    """
    path = Path(path)
    folder = path.parent.absolute()
    lines = [json.dumps(_cut(utterance, folder), ensure_ascii=False) + "\n" for utterance in utterances]
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as stream,
    ):
        for line in lines:
            stream.write(line.encode("utf-8"))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered non-empty lines, none longer than the limit."""
    try:
        with _open(path) as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise DataError(
                        f"{path}, line {number}: longer than {MAX_LINE_BYTES:,} bytes",
                        "not a manifest of utterances: a cut is a line",
                    )
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise DataError(f"{path}: no such manifest", "run speechrnn data prepare or speechrnn data import first") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip file ({error})", "copy it again, or prepare the data anew") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror or error}", "give the path of a manifest, cuts_….jsonl.gz"
        ) from error


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb") if packed else path.open("rb"))


def _cut(utterance: Utterance, folder: Path) -> dict[str, Any]:
    """The utterance as a cut, built and validated by Lhotse, as the plain values it writes."""
    from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment
    from lhotse.audio import AudioSource
    from lhotse.qa import validate
    from lhotse.supervision import AlignmentItem

    rate, identity = utterance.sampling_rate, utterance.id
    total = utterance.recording_samples or utterance.offset + utterance.num_samples
    channels = list(range(utterance.channels))
    mixed = utterance.channel is None and utterance.channels > 1
    channel = channels if mixed else utterance.channel or 0
    name = identity if utterance.num_samples == total else utterance.audio.stem
    source = AudioSource("file", channels, _relative(utterance.audio, folder))
    recording = Recording(name, [source], rate, total, total / rate)
    alignment = {
        level: [AlignmentItem(item.symbol, item.start, item.duration, item.score) for item in items]
        for level, items in utterance.alignment.items()
    }
    supervision = SupervisionSegment(
        id=identity,
        recording_id=name,
        start=0.0,
        duration=utterance.duration,
        channel=channel,
        text=utterance.text,
        language=utterance.language or None,
        speaker=utterance.speaker or None,
        alignment=alignment or None,
        custom=dict(utterance.custom) or None,
    )
    kind = MultiCut if mixed else MonoCut
    cut = kind(identity, utterance.offset / rate, utterance.duration, channel, supervisions=[supervision], recording=recording)
    try:
        validate(cut)
    except AssertionError as error:
        raise DataError(f"utterance {identity!r} cannot be written: {error}", "correct its source, or leave it out") from None
    return cut.to_dict()  # type: ignore[no-any-return]


def _relative(audio: Path, folder: Path) -> str:
    """The path as written: from ``folder`` where it lies inside, with forward slashes on every platform."""
    audio = audio.absolute()
    return audio.relative_to(folder).as_posix() if audio.is_relative_to(folder) else str(audio)


def _check_files(path: Path, utterances: Sequence[Utterance]) -> None:
    audio = dict.fromkeys(utterance.audio for utterance in utterances)
    missing = [str(file) for file in audio if not file.is_file()]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of {len(audio)} audio files are missing: {listed(missing)}",
            "bring them back to where they were, or prepare the data anew",
        )
