"""Transcribe files and folders: what goes in, in which order, and where each result belongs."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import unicodedata
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from speechrnn.errors import DataError, UsageError, listed

if TYPE_CHECKING:
    from speechrnn.data.prepared import Track
    from speechrnn.jobs.channels import Channels
    from speechrnn.recognizer import Recognizer
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format

logger = logging.getLogger("speechrnn")
STDIN = Path("-")
"""The path that stands for standard input."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recording and where its transcript belongs.

    Attributes:
        path: the recording, as given or found.
        output: path of the result, without ending, from the output folder: the name of a file given by itself, the path
            inside a folder that was given.
        name: shown in its place, where the path is ours.
    """

    path: Path
    output: Path
    name: str = ""

    @property
    def id(self) -> str:
        """What the recording is called in transcripts and errors."""
        return self.name or str(self.path)


@dataclass(frozen=True, slots=True)
class Result:
    """A recording with its transcripts, one a channel, or with the error that left it without."""

    source: Source
    transcripts: tuple[Transcript, ...] = ()
    error: DataError | None = None


@contextlib.contextmanager
def standard_input(paths: Sequence[Path], stream: TextIO) -> Iterator[list[Source]]:
    """Recordings as :func:`collect` finds them, ``-`` among them: standard input, kept in a file of our own meanwhile.

    Sound is read more than once, and its length told before; a stream can neither.
    """
    if STDIN not in paths:
        yield collect(paths)
        return
    with tempfile.TemporaryDirectory(prefix="speechrnn-") as folder:
        spooled = Path(folder, "stdin")
        with spooled.open("wb") as file:
            shutil.copyfileobj(stream.buffer, file)
        sources = collect([spooled if path == STDIN else path for path in paths])
        yield [replace(source, name="standard input") if source.path == spooled else source for source in sources]


def collect(paths: Sequence[Path]) -> list[Source]:
    """Recordings among files and folders, in the order given, each once; folders are walked in the order of names.

    In a folder everything counts that has the ending of a sound file; hidden files and folders are passed over, sound of
    kinds that are not read is warned of.
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
    from speechrnn.data.folders import files_in, unread
    from speechrnn.data.prepared import SUFFIXES

    files = files_in(folder)
    for said in unread(files).values():
        logger.warning("%s", said)
    return [Source(path, path.relative_to(folder).with_suffix("")) for path in files if path.suffix.lower() in SUFFIXES]


def check_outputs(
    sources: Sequence[Source],
    out: Path,
    suffixes: Sequence[str],
    *,
    overwrite: bool = False,
    ours: frozenset[str] = frozenset(),
) -> None:
    """Make sure that no transcript would replace another, nor a file that stands there already: it may be made by hand.

    Args:
        sources: from :func:`collect`.
        out: the output folder.
        suffixes: endings of the files that each recording gets.
        overwrite: files that stand there already may be replaced.
        ours: files, from the output folder, that an interrupted call has left: they may be replaced.

    Raises:
        UsageError: two recordings with the same output name, both named; a file that would be replaced; a folder called like
            a file.
    """
    if not out.is_dir() and any(out.name.lower().endswith(suffix.lower()) for suffix in suffixes):
        raise UsageError(
            f"{out} is the name of a file, and -o is a folder", f"give -o {out.parent}: files get the recordings' names"
        )
    taken: dict[str, Path] = {}
    for source in sources:
        key = as_on_disk(source.output)
        if key in taken:
            raise UsageError(
                f"{taken[key]} and {source.path} would both be written to {source.output}.*",
                "transcribe them in calls of their own, with different output folders",
            )
        taken[key] = source.path
    planned = [output_path(out, source, suffix) for source in sources for suffix in suffixes]
    there = [path for path in planned if path.exists() and path.relative_to(out).as_posix() not in ours]
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


def as_on_disk(path: Path) -> str:
    """A key that is equal for names the file system takes for the same: on Windows and macOS A and a, on macOS also NFC and NFD."""
    if sys.platform == "darwin":
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
    return os.path.normcase(path)


def transcribe(
    recognizer: Recognizer,
    sources: Sequence[Source],
    *,
    channels: Channels | None = None,
    batch_size: int | None = None,
    track: Track | None = None,
) -> Iterator[Result]:
    """Transcribe recordings one after the other, in the order given; one that cannot be read does not stop the others.

    Args:
        recognizer: any that fulfils the protocol.
        sources: from :func:`collect`.
        channels: which are transcribed; all, mixed, by default and unseen.
        batch_size: recordings at a time, where the recognizer lets one choose.
        track: shows progress.
    """
    from speechrnn.audio import Clip

    errors: dict[str, DataError] = {}
    clips: list[tuple[Source, Clip]] = []
    for source in sources:
        try:
            found = [Clip(source.id, source.path)] if channels is None else channels.clips(source.path, source.id)
        except DataError as error:
            errors[source.id] = error
        else:
            clips += [(source, clip) for clip in found]

    def failed(clip: Clip, error: DataError) -> None:
        errors.setdefault(clip.id, error)

    options: dict[str, Any] = {} if batch_size is None else {"batch_size": batch_size}
    transcripts: Iterator[Transcript] = recognizer.transcribe_many([clip for _, clip in clips], on_error=failed, **options)
    if track is not None:
        transcripts = track(transcripts, "transcribe", len(clips))
    waiting = deque(sources)
    left = Counter(source.id for source, _ in clips)
    heard: list[Transcript] = []
    for transcript in transcripts:
        # A recording that failed is known by the time the one after it is done.
        while waiting[0].id != transcript.id:
            source = waiting.popleft()
            yield Result(source, error=_renamed(errors[source.id], source))
            heard = []
        heard.append(transcript)
        if len(heard) == left[transcript.id]:
            yield Result(waiting.popleft(), tuple(heard))
            heard = []
    for source in waiting:
        yield Result(source, error=_renamed(errors[source.id], source))


def _renamed(error: DataError, source: Source) -> DataError:
    """An error that names the recording as the user knows it."""
    return DataError(error.message.replace(str(source.path), source.id), error.remedy)


def write(transcripts: Sequence[Transcript], source: Source, out: Path, formats: Sequence[Format]) -> list[DataError]:
    """Write a recording's files; returned is what left it without some of them.

    Args:
        transcripts: what was recognized, one a channel.
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
            if len(transcripts) > 1 and form.write_all is not None:
                content = form.write_all(transcripts)
            else:
                content = content_of(transcripts[0], form, path.parent)
        except DataError as error:
            # A format that needs times which are not there costs no other format.
            errors.append(DataError(f"{form.name}: {error.message}", error.remedy))
        else:
            write_text(path, content)
    return errors
