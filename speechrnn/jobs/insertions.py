"""Transcripts into someone's own ELAN files, as further tiers."""

from __future__ import annotations

import contextlib
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speechrnn.data.folders import as_named
from speechrnn.errors import DataError, UsageError, listed
from speechrnn.jobs.transcribe import Source, as_on_disk, check_outputs, output_path

if TYPE_CHECKING:
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format

logger = logging.getLogger("speechrnn")


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
        files = {source.path: (as_named(output_path(into, source, ".eaf")), output_path(out, source, ".eaf")) for source in sources}
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

    def key(name: str) -> str:
        return unicodedata.normalize("NFC", as_on_disk(Path(name)))

    if linked and key(recording.name) not in {key(form) for forms in linked for form in forms}:
        links = listed([forms[-1] for forms in linked])
        logger.warning("%s links %s, not %s: the tiers are added all the same", existing, links, recording.name)


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
