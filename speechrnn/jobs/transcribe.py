"""Transcribe files and folders: what goes in, in which order, and where each result belongs."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn.errors import DataError, UsageError, listed

if TYPE_CHECKING:
    from speechrnn.data.prepared import Track
    from speechrnn.recognizer import Recognizer
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format

logger = logging.getLogger("speechrnn")


@dataclass(frozen=True, slots=True)
class Source:
    """A recording and where its transcript belongs.

    Attributes:
        path: the recording, as given or found.
        output: path of the result, without ending, from the output folder: the name of a file given by itself, the path
            inside a folder that was given.
    """

    path: Path
    output: Path


@dataclass(frozen=True, slots=True)
class Result:
    """A recording with its transcript, or with the error that left it without one."""

    source: Source
    transcript: Transcript | None
    error: DataError | None


def collect(paths: Sequence[Path]) -> list[Source]:
    """Recordings among files and folders, in the order given, each once; folders are walked in the order of names.

    In a folder everything counts that has the ending of a sound file; hidden files and folders are passed over.
    A file given by itself is taken whatever its name.

    Raises:
        DataError: no such path, or a folder without recordings.
    """
    sources: dict[Path, Source] = {}
    for path in paths:
        if path.is_dir():
            found = _walk(path)
            if not found:
                raise DataError(
                    f"{path}: no recordings in this folder", "give a folder with sound files, such as .wav, .flac, .mp3"
                )
        elif path.exists():
            found = [Source(path, Path(path.stem))]
        else:
            raise DataError(f"{path}: no such file or folder", "check the path")
        for source in found:
            sources.setdefault(source.path.absolute(), source)
    return list(sources.values())


def _walk(folder: Path) -> list[Source]:
    from speechrnn.data.prepared import SUFFIXES

    sources = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                sources.append(Source(path, path.relative_to(folder).with_suffix("")))
    return sources


def check_outputs(sources: Sequence[Source], out: Path, suffixes: Sequence[str], *, overwrite: bool = False) -> None:
    """Make sure that no transcript would replace another, nor a file that stands there already: it may be made by hand.

    Args:
        sources: from :func:`collect`.
        out: the output folder.
        suffixes: endings of the files that each recording gets.
        overwrite: files that stand there already may be replaced.

    Raises:
        UsageError: two recordings with the same output name, both named; a file that would be replaced.
    """
    taken: dict[str, Path] = {}
    for source in sources:
        key = _as_on_disk(source.output)
        if key in taken:
            raise UsageError(
                f"{taken[key]} and {source.path} would both be written to {source.output}.*",
                "transcribe them in calls of their own, with different output folders",
            )
        taken[key] = source.path
    there = [path for source in sources for suffix in suffixes if (path := output_path(out, source, suffix)).exists()]
    if there and not overwrite:
        raise UsageError(f"{listed(there, 1)} would be replaced", "give another folder with -o, or --overwrite if that is meant")


def check_printed(sources: Sequence[Source], formats: Sequence[Format], asked: str) -> None:
    """Make sure that what is printed can be told apart.

    Args:
        sources: from :func:`collect`.
        formats: that are to be printed.
        asked: the formats as given.

    Raises:
        UsageError: several formats, or a format that holds one recording, of several.
    """
    if len(formats) > 1:
        raise UsageError(f"-f {asked} makes several files a recording", "give -o DIR, or choose one format")
    if len(sources) > 1 and not formats[0].streams:
        raise UsageError(f"-f {asked} of {len(sources)} recordings is a file each, which cannot be printed as one", "give -o DIR")


def output_path(out: Path, source: Source, suffix: str) -> Path:
    """Where a transcript of ``source`` is written; a dot in its name is no ending."""
    return out / source.output.with_name(source.output.name + suffix)


def _as_on_disk(path: Path) -> str:
    """A key that is equal for names the file system takes for the same: on Windows and macOS A and a, on macOS also NFC and NFD."""
    if sys.platform == "darwin":
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
    return os.path.normcase(path)


def transcribe(
    recognizer: Recognizer, sources: Sequence[Source], *, batch_size: int | None = None, track: Track | None = None
) -> Iterator[Result]:
    """Transcribe recordings one after the other, in the order given; one that cannot be read does not stop the others.

    Args:
        recognizer: any that fulfils the protocol.
        sources: from :func:`collect`.
        batch_size: recordings at a time, where the recognizer lets one choose.
        track: shows progress.
    """
    from speechrnn.audio import Clip

    errors: dict[str, DataError] = {}

    def failed(clip: Clip, error: DataError) -> None:
        errors[clip.id] = error

    clips = [Clip(str(source.path), source.path) for source in sources]
    options: dict[str, Any] = {} if batch_size is None else {"batch_size": batch_size}
    transcripts: Iterator[Transcript] = recognizer.transcribe_many(clips, on_error=failed, **options)
    if track is not None:
        transcripts = track(transcripts, "transcribe", len(sources))
    waiting = iter(zip(sources, clips, strict=True))
    for transcript in transcripts:
        # A recording that failed is known by the time the one after it is done.
        for source, clip in waiting:
            if clip.id == transcript.id:
                yield Result(source, transcript, None)
                break
            yield Result(source, None, errors[clip.id])
    for source, clip in waiting:
        yield Result(source, None, errors[clip.id])


def write(transcript: Transcript, source: Source, out: Path, formats: Sequence[Format]) -> list[DataError]:
    """Write a recording's files; returned is what left it without some of them.

    Args:
        transcript: what was recognized.
        source: the recording.
        out: the output folder.
        formats: a file each.

    Raises:
        DataError: the folder cannot be written, or its disk is full.
    """
    from speechrnn.atomic import write_text
    from speechrnn.transcripts.files import content_of

    errors = []
    for form in formats:
        path = output_path(out, source, form.suffix)
        try:
            content = content_of(transcript, form, path.parent)
        except DataError as error:
            # A format that needs times which are not there costs no other format.
            errors.append(DataError(f"{form.name}: {error.message}", error.remedy))
        else:
            write_text(path, content)
    return errors


@dataclass(frozen=True, slots=True)
class Insertions:
    """ELAN files that get transcripts as further tiers.

    Attributes:
        files: by recording, the file and where the result belongs; ``None``: it is printed.
        target: the file or folder that is written; ``None``: nothing is.
        folder: that has to be there before the work starts.
    """

    files: Mapping[Path, tuple[Path, Path | None]]
    target: Path | None
    folder: Path | None


def plan_insertions(
    into: Path, sources: Sequence[Source], formats: Sequence[Format], out: Path | None, *, overwrite: bool = False
) -> Insertions:
    """Make sure, before any work, that transcripts can be added to ELAN files; one that links another recording is said.

    Args:
        into: the .eaf of one recording, or a folder that holds, for each recording, one of its name; they are replaced only
            where ``out`` names them and ``overwrite`` is set.
        sources: from :func:`collect`.
        formats: eaf alone.
        out: a path that ends in .eaf, or a folder, where files get their own names; ``None`` prints one.
        overwrite: what stands at ``out`` may be replaced.

    Raises:
        UsageError: several recordings for one file or to be printed, another format, a file that would be replaced.
        DataError: ``into`` is no ELAN file that can be read. In a folder such files are left to :func:`insert`.
    """
    if [form.name for form in formats] != ["eaf"]:
        raise UsageError("--into makes an .eaf and nothing else", "give -f eaf, or no -f")
    if into.is_dir():
        if out is None:
            raise UsageError(f"{into} is a folder: its files cannot be printed as one", "give -o DIR, or one .eaf")
        check_outputs(sources, out, [".eaf"], overwrite=overwrite)
        files = {source.path: (output_path(into, source, ".eaf"), output_path(out, source, ".eaf")) for source in sources}
        for path, (existing, _) in files.items():
            with contextlib.suppress(DataError):
                _check_existing(existing, path)
        return Insertions(files, out, out)
    if len(sources) != 1:
        raise UsageError(f"--into one file with {len(sources)} recordings", "give the recording that it is about, or a folder")
    output = out
    if out is not None and (out.is_dir() or out.suffix.lower() != ".eaf"):
        output = out / into.name
    if output is not None and output.exists() and not overwrite:
        raise UsageError(f"{output} would be replaced", "give another file with -o, or --overwrite if that is meant")
    _check_existing(into, sources[0].path)
    return Insertions({sources[0].path: (into, output)}, output, None if output is None else output.parent)


def _check_existing(existing: Path, recording: Path) -> None:
    """Read an ELAN file, and say it where it links recordings but not this one."""
    from speechrnn.transcripts.eaf_insert import linked_media
    from speechrnn.transcripts.files import read_bytes

    linked = linked_media(read_bytes(existing), str(existing))
    name = _as_on_disk(Path(recording.name))
    if linked and all(_as_on_disk(Path(other)) != name for other in linked):
        logger.warning("%s links %s, not %s: the tiers are added all the same", existing, listed(linked), recording.name)


def insert(insertions: Insertions, source: Source, transcript: Transcript) -> bytes:
    """A recording's ELAN file, as it is now, with the transcript added; written where it belongs, if anywhere.

    Raises:
        DataError: the file cannot be read, or the result not be written; what stood there is untouched.
    """
    from speechrnn.atomic import atomic_path
    from speechrnn.transcripts.eaf_insert import insert as added
    from speechrnn.transcripts.files import read_bytes

    existing, output = insertions.files[source.path]
    # Read again: recognizing takes time, and ELAN may have saved the file meanwhile.
    content = added(read_bytes(existing), transcript, str(existing))
    if output is not None:
        with atomic_path(output) as temporary:
            temporary.write_bytes(content)
    return content
