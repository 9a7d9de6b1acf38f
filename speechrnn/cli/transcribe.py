"""``speechrnn transcribe``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from speechrnn.cli import decoding

if TYPE_CHECKING:
    from speechrnn.records import Transcript
    from speechrnn.transcripts.format import Format


def register(app: typer.Typer) -> None:
    app.command("transcribe")(transcribe)


def transcribe(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Recordings, or folders of them."),
    model: Path = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model or run directory."),
    formats: str | None = typer.Option(
        None,
        "-f",
        "--format",
        metavar="FORMAT",
        help="txt, json, srt, vtt, tsv, ctm, stm, TextGrid, eaf, several with commas, or all. [default: txt]",
    ),
    out: Path | None = typer.Option(None, "-o", "--out", metavar="DIR", help="Write files here, folders mirrored; else print."),
    into: Path | None = typer.Option(
        None, "--into", metavar="EAF", help="Add transcripts as tiers to this ELAN file, or to those of a folder."
    ),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    batch_size: int | None = typer.Option(None, "--batch-size", min=1, help="Recordings at a time."),
    lm: decoding.Lm = None,
    lexicon: decoding.Lexicon = None,
    letter_lm: decoding.LetterLm = None,
    hotwords: decoding.Hotwords = [],  # noqa: B006
    hotword_file: decoding.HotwordFile = None,
    settings: decoding.Settings = [],  # noqa: B006
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace files that stand in the output folder already."),
) -> None:
    """Turn recordings into text, subtitles, tables and tiers.

    Without -o the text is printed (of several recordings behind their path and a tab; as json, an object a line). A recording that
    cannot be read is named, the others are done, and the exit status is 1. Files that stand in the output folder already are
    replaced with --overwrite only.

    With --into everything in the ELAN file stays as it is, to the byte, and the transcript is added as tiers of segments, words and
    confidences. Of a folder the file with the name of the recording is taken. It is replaced only when -o names it and --overwrite
    is given.

    \b
    Examples:
      speechrnn transcribe call.wav -m runs/own
      speechrnn transcribe recordings/ -m runs/own -f all -o transcripts/
      speechrnn transcribe call.wav -m runs/own --lm words.arpa --hotword "Zanzibar"
      speechrnn transcribe story.wav -m runs/own --into story.eaf -o story-heard.eaf
    """
    from speechrnn.cli import console
    from speechrnn.errors import DataError
    from speechrnn.jobs import transcribe as job
    from speechrnn.jobs.output import make_folder
    from speechrnn.recognizer import load
    from speechrnn.transcripts.registry import choose

    asked = formats or ("txt" if into is None else "eaf")
    chosen = choose(asked)
    sources = job.collect(paths)
    folder = out
    if into is not None:
        insertions = job.plan_insertions(into, sources, chosen, out, overwrite=overwrite)
        out, folder = insertions.target, insertions.folder
    elif out is not None:
        job.check_outputs(sources, out, [form.suffix for form in chosen], overwrite=overwrite)
    else:
        job.check_printed(sources, chosen, asked)
    helpers = decoding.helpers(lm, lexicon, letter_lm, hotwords, hotword_file)
    choice = decoding.choose(settings, model, helpers)
    recognizer = load(model, device, choice.options, helpers)
    choice.say()
    if folder is not None:
        make_folder(folder)
    failed = 0
    # A bar and printed text would write over each other on a terminal.
    track = None if out is None and sys.stdout.isatty() else console.track
    for result in job.transcribe(recognizer, sources, batch_size=batch_size, track=track):
        errors = [result.error] if result.error is not None else []
        if result.transcript is not None and into is not None:
            try:
                content = job.insert(insertions, result.source, result.transcript)
            except DataError as wrong:
                errors.append(wrong)
            else:
                if out is None:
                    _print_bytes(content)
        elif result.transcript is not None and out is not None:
            errors += job.write(result.transcript, result.source, out, chosen)
        elif result.transcript is not None:
            _print(result.transcript, chosen[0], alone=len(sources) == 1)
        for error in errors:
            console.error(error.message, error.remedy)
        failed += bool(errors)
    if out is not None:
        console.logger.info("%d of %d recordings transcribed into %s", len(sources) - failed, len(sources), out)
    if helpers and failed != len(sources):
        console.logger.info(
            "%d of %d words are others than without the decoder's helpers", recognizer.changed_words, recognizer.decoded_words
        )
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
    _print_bytes(text.encode("utf-8", "surrogateescape"))


def _print_bytes(content: bytes) -> None:
    """Bytes on standard output, or their text where it takes text only, as in tests and notebooks."""
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(content.decode("utf-8", "surrogateescape"))
