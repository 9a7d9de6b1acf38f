"""``speechrnn transcribe``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format


def register(app: typer.Typer) -> None:
    app.command("transcribe")(transcribe)


def transcribe(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Recordings, or folders of them."),
    model: Path = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model or run directory."),
    formats: str = typer.Option("txt", "-f", "--format", metavar="FORMAT", help="txt, json, several with commas, or all."),
    out: Path | None = typer.Option(None, "-o", "--out", metavar="DIR", help="Write files here, folders mirrored; else print."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    batch_size: int | None = typer.Option(None, "--batch-size", min=1, help="Recordings at a time."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace files that stand in the output folder already."),
) -> None:
    """Turn recordings into text.

    Without -o the text is printed (of several recordings behind their path and a tab; as json, an object a line). A recording that
    cannot be read is named, the others are done, and the exit status is 1. Files that stand in the output folder already are
    replaced with --overwrite only.

    \b
    Examples:
      speechrnn transcribe call.wav -m runs/own
      speechrnn transcribe recordings/ -m runs/own -f all -o transcripts/
    """
    from speechrnn.cli import console
    from speechrnn.errors import UsageError
    from speechrnn.jobs import transcribe as job
    from speechrnn.jobs.output import make_folder
    from speechrnn.recognizer import load
    from speechrnn.transcripts.files import write_transcript
    from speechrnn.transcripts.registry import choose

    chosen = choose(formats)
    if out is None and len(chosen) > 1:
        raise UsageError(f"-f {formats} makes several files a recording", "give -o DIR, or choose one format")
    sources = job.collect(paths)
    if out is not None:
        job.check_outputs(sources, out, [form.suffix for form in chosen], overwrite=overwrite)
    recognizer = load(model, device=device)
    if out is not None:
        make_folder(out)
    failed = 0
    # A bar and printed text would write over each other on a terminal.
    track = None if out is None and sys.stdout.isatty() else console.track
    for result in job.transcribe(recognizer, sources, batch_size=batch_size, track=track):
        if result.error is not None:
            failed += 1
            console.error(result.error.message, result.error.remedy)
        elif result.transcript is not None and out is not None:
            for form in chosen:
                write_transcript(job.output_path(out, result.source, form.suffix), result.transcript, form)
        elif result.transcript is not None:
            _print(result.transcript, chosen[0], alone=len(sources) == 1)
    if out is not None:
        console.logger.info("%d of %d recordings transcribed into %s", len(sources) - failed, len(sources), out)
    if failed:
        raise typer.Exit(1)


def _print(transcript: Transcript, form: Format, alone: bool) -> None:
    """One transcript on standard output; a path that is no UTF-8 comes out with its own bytes."""
    from speechrnn.transcripts.json_record import write_line

    if form.name == "json":
        text = write_line(transcript)
    elif alone or form.name != "txt":
        text = form.write(transcript)
    else:
        text = f"{transcript.id}\t{transcript.text}\n"
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(text)
