"""``speechrnn transcribe``."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from speechrnn.cli import decoding


def register(app: typer.Typer) -> None:
    app.command("transcribe")(transcribe)


def transcribe(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Recordings, or folders of them; - is standard input."),
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
    channel: str = typer.Option("mix", "--channel", metavar="mix|N|each", help="All mixed, one (from 1), or each by itself."),
    vad: bool = typer.Option(False, "--vad", help="Find the speech in long recordings by Silero VAD, not by level (extra: vad)."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    threads: int | None = typer.Option(None, "--threads", min=1, help="Cores to compute on. [default: all]"),
    batch_size: int | None = typer.Option(None, "--batch-size", min=1, help="Recordings at a time."),
    lm: decoding.Lm = None,
    lexicon: decoding.Lexicon = None,
    letter_lm: decoding.LetterLm = None,
    rescore: decoding.Rescore = None,
    hotwords: decoding.Hotwords = [],  # noqa: B006
    hotword_file: decoding.HotwordFile = None,
    settings: decoding.Settings = [],  # noqa: B006
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace files that stand in the output folder already."),
) -> None:
    """Turn recordings into text, subtitles, tables and tiers.

    Without -o the text is printed (of several recordings behind their path and a tab; as json, an object a line). A recording that
    cannot be read is named, the others are done, and the exit status is 1. Files that stand in the output folder already are
    replaced with --overwrite only. An interrupted call into a folder, made again, goes on where it stopped.

    Recordings may be hours long. With --channel each every channel gets a transcript of its own, as in calls with a side a channel.

    With --into everything in the ELAN file stays as it is, to the byte, and the transcript is added as tiers of segments, words and
    confidences. Of a folder the file with the name of the recording is taken. It is replaced only when -o names it and --overwrite
    is given.

    \b
    Examples:
      speechrnn transcribe call.wav -m runs/own
      speechrnn transcribe recordings/ -m runs/own -f all -o transcripts/
      speechrnn transcribe call.wav -m runs/own --channel each -f TextGrid -o transcripts/
      speechrnn transcribe call.wav -m runs/own --lm words.arpa --hotword "Zanzibar"
      speechrnn transcribe story.wav -m runs/own --into story.eaf -o story-heard.eaf
    """
    from speechrnn.cli import console
    from speechrnn.cli.destinations import Destination, Elan, Folder, Printed
    from speechrnn.jobs import transcribe as job
    from speechrnn.jobs.channels import Channels
    from speechrnn.recognizer import load, set_threads
    from speechrnn.transcripts.registry import choose

    asked = formats or ("txt" if into is None else "eaf")
    channels = Channels(channel)
    chosen = channels.formats(choose(asked), asked, printed=out is None, into=into is not None)
    with job.standard_input(paths, sys.stdin) as sources:
        destination: Destination
        if into is not None:
            destination = Elan(into, sources, chosen, out, overwrite=overwrite)
        elif out is not None:
            destination = Folder(sources, out, chosen, overwrite=overwrite)
        else:
            destination = Printed(sources, chosen, asked)
        helpers = decoding.helpers(lm, lexicon, letter_lm, hotwords, hotword_file, rescore)
        choice = decoding.choose(settings, model, helpers)
        set_threads(threads)
        recognizer = load(model, device, choice.options, helpers, vad=vad)
        choice.say()
        known = recognizer.info()
        call = {"model": known.get("id"), "decoding": known.get("decoding"), "format": asked, "channel": channel, "vad": str(vad)}
        left = destination.begin(call)
        failed = 0
        # A bar and printed text would write over each other on a terminal.
        track = None if destination.target is None and sys.stdout.isatty() else console.track
        for result in job.transcribe(recognizer, left, channels=channels, batch_size=batch_size, track=track):
            errors = [result.error] if result.error is not None else destination.put(result)
            for error in errors:
                console.error(error.message, error.remedy)
            failed += bool(errors)
        destination.end()
    if destination.target is not None:
        console.logger.info("%d of %d recordings transcribed into %s", len(sources) - failed, len(sources), destination.target)
    # A hidden Markov model never reads without a language model.
    if helpers and failed != len(sources) and hasattr(recognizer, "changed_words"):
        console.logger.info(
            "%d of %d words are others than without the decoder's helpers", recognizer.changed_words, recognizer.decoded_words
        )
    if failed:
        raise typer.Exit(1)
