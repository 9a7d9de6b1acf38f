"""Where ``transcribe`` and ``align`` put what they found: a folder, ELAN files, a manifest, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from speechrnn.cli import console
from speechrnn.errors import DataError, UsageError

if TYPE_CHECKING:
    from speechrnn.jobs.transcribe import Result, Source
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format


class Destination(Protocol):
    """Checks before the work, then takes results one by one."""

    target: Path | None
    """What is written, for the last line; ``None``: it is printed."""

    def begin(self, call: Mapping[str, str | None], *, anew: bool = False) -> list[Source]:
        """The recordings that are still to do; ``call`` is all that shapes the results, ``anew`` leaves none out as done."""

    def put(self, result: Result) -> list[DataError]:
        """Take the transcripts of a recording; returned is what went wrong."""

    def end(self) -> None:
        """All recordings are done."""


class Folder:
    """A file for each recording and format, with a journal where there are several recordings."""

    def __init__(self, sources: Sequence[Source], out: Path, formats: Sequence[Format], *, overwrite: bool) -> None:
        from speechrnn.jobs.journal import Journal
        from speechrnn.jobs.transcribe import check_outputs

        self.target: Path | None = out
        self._sources, self._out, self._formats, self._overwrite = sources, out, formats, overwrite
        self._journal = Journal(out) if len(sources) > 1 else None
        ours = self._journal.planned if self._journal is not None else frozenset()
        check_outputs(sources, out, [form.suffix for form in formats], overwrite=overwrite, ours=ours)

    def begin(self, call: Mapping[str, str | None], *, anew: bool = False) -> list[Source]:
        """Make the folder; recordings that an interrupted call has done are left out, unless all are to be done anew."""
        from speechrnn.jobs.output import make_folder
        from speechrnn.jobs.transcribe import output_path

        make_folder(self._out)
        if self._journal is None:
            return list(self._sources)
        files = {source: [output_path(self._out, source, form.suffix) for form in self._formats] for source in self._sources}
        names = [path.relative_to(self._out).as_posix() for paths in files.values() for path in paths]
        self._journal.begin(call, names, anew=self._overwrite)
        left = [source for source, paths in files.items() if not self._journal.is_done(source.path, paths)]
        done = len(files) - len(left)
        if done and anew:
            console.logger.info("an interrupted call begins anew: each recording counts for all")
        elif done:
            console.logger.info("an interrupted call goes on: %d of %d recordings are done", done, len(files))
        return list(self._sources) if anew else left

    def put(self, result: Result) -> list[DataError]:
        """Write its files, then its line in the journal."""
        from speechrnn.jobs.transcribe import write

        errors = write(result.transcripts, result.source, self._out, self._formats)
        if self._journal is not None:
            self._journal.done(result.source.path)
        return errors

    def end(self) -> None:
        """The journal has served."""
        if self._journal is not None:
            self._journal.finish()


class Manifest:
    """A manifest with alignments, made of the manifest that is aligned; written when all is done."""

    def __init__(self, path: Path, out: Path, sources: Sequence[Source], *, states: bool, overwrite: bool) -> None:
        if out.exists() and not overwrite:
            raise UsageError(f"{out} would be replaced", "give another file with -o, or --overwrite if that is meant")
        self.target: Path | None = out
        self._path, self._out, self._sources, self._states = path, out, sources, states
        self._found: dict[str, Transcript] = {}

    def begin(self, call: Mapping[str, str | None], *, anew: bool = False) -> list[Source]:
        """Make its folder; all of them."""
        from speechrnn.jobs.output import make_folder

        make_folder(self._out.parent)
        return list(self._sources)

    def put(self, result: Result) -> list[DataError]:
        """Keep the alignment."""
        (transcript,) = result.transcripts
        self._found[transcript.id] = transcript
        return []

    def end(self) -> None:
        """Write the manifest."""
        from speechrnn.jobs.align import write_manifest

        write_manifest(self._path, self._out, self._found, states=self._states)


class Elan:
    """Tiers in someone's own ELAN files."""

    def __init__(
        self, into: Path, sources: Sequence[Source], formats: Sequence[Format], out: Path | None, *, overwrite: bool
    ) -> None:
        from speechrnn.jobs.insertions import plan_insertions

        self._sources = sources
        self._insertions = plan_insertions(into, sources, formats, out, overwrite=overwrite)
        self.target = self._insertions.target

    def begin(self, call: Mapping[str, str | None], *, anew: bool = False) -> list[Source]:
        """Make the folder; all of them."""
        from speechrnn.jobs.output import make_folder

        if self._insertions.folder is not None:
            make_folder(self._insertions.folder)
        return list(self._sources)

    def put(self, result: Result) -> list[DataError]:
        """Add the transcript."""
        from speechrnn.jobs.insertions import insert

        (transcript,) = result.transcripts
        try:
            content = insert(self._insertions, result.source, transcript)
        except DataError as error:
            return [error]
        if self.target is None:
            _print_bytes(content)
        return []

    def end(self) -> None:
        """Nothing is left to do."""


class Printed:
    """Standard output."""

    target: Path | None = None

    def __init__(self, sources: Sequence[Source], formats: Sequence[Format], asked: str) -> None:
        from speechrnn.jobs.transcribe import check_printed

        check_printed(sources, formats, asked)
        self._sources, self._format = sources, formats[0]

    def begin(self, call: Mapping[str, str | None], *, anew: bool = False) -> list[Source]:
        """All of them."""
        return list(self._sources)

    def put(self, result: Result) -> list[DataError]:
        """Print; a path that is no UTF-8 comes out with its own bytes."""
        _print_bytes(self._text(result.transcripts).encode("utf-8", "surrogateescape"))
        return []

    def _text(self, transcripts: Sequence[Transcript]) -> str:
        from speechrnn.transcripts.json_record import write_line

        if self._format.name == "json":
            return "".join(write_line(transcript) for transcript in transcripts)
        if len(transcripts) > 1 and self._format.write_all is not None:
            return self._format.write_all(transcripts)
        if self._format.name != "txt" or (len(self._sources) == 1 and len(transcripts) == 1):
            return self._format.write(transcripts[0])
        return "".join(f"{_whose(transcript)}\t{self._format.write(transcript)}" for transcript in transcripts)

    def end(self) -> None:
        """Nothing is left to do."""


def _whose(transcript: Transcript) -> str:
    return transcript.id if transcript.channel is None else f"{transcript.id}\tchannel {transcript.channel + 1}"


def _print_bytes(content: bytes) -> None:
    """Bytes on standard output, or their text where it takes text only, as in tests and notebooks."""
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(content.decode("utf-8", "surrogateescape"))
