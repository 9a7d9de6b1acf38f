"""``speechrnn evaluate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from speechrnn.cli import decoding


class Sound(StrEnum):
    """Which recordings are put into the page."""

    WORST = "worst"
    NONE = "none"


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    manifest: Path = typer.Argument(..., metavar="MANIFEST", help="Cuts with transcripts, such as data/an4/cuts_test.jsonl.gz."),
    models: list[Path] = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model or run directory; repeat to compare."),
    out: Path = typer.Option(..., "-o", "--out", metavar="DIR", help="For scores.json, hypotheses.jsonl and report.html."),
    names: list[str] = typer.Option([], "--name", metavar="NAME", help="Name to show a model under, one for each -m."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    lm: decoding.Lm = None,
    lexicon: decoding.Lexicon = None,
    letter_lm: decoding.LetterLm = None,
    rescore: decoding.Rescore = None,
    hotwords: decoding.Hotwords = [],  # noqa: B006
    hotword_file: decoding.HotwordFile = None,
    settings: decoding.Settings = [],  # noqa: B006
    audio: Sound = typer.Option(Sound.WORST, help="Recordings in the page: of the worst utterances and some others, or none."),
    trn: bool = typer.Option(False, "--trn", help="Also NAME.ref.trn and NAME.hyp.trn for sclite."),
    tables: bool = typer.Option(False, "--tables", help="Print the figures as a Markdown table."),
) -> None:
    """Transcribe a manifest with one or more models and score them, with intervals and differences.

    A recording that cannot be read counts as all deleted (numbers: is left out), is named, and makes the exit status 1. The page
    holds recordings of up to 150 utterances (--audio none: no sound): mind the licence of the data before you pass it on.

    \b
    Examples:
      speechrnn evaluate data/an4/cuts_test.jsonl.gz -m runs/an4/small -o report
      speechrnn evaluate data/an4/cuts_test.jsonl.gz -m runs/an4/small -o report --lm data/an4/lm.arpa --decoding lm_weight=0.6
    """
    from speechrnn.cli import console
    from speechrnn.data.manifest import read_manifest
    from speechrnn.jobs import evaluate as job
    from speechrnn.jobs import report_material as material
    from speechrnn.jobs.output import make_folder
    from speechrnn.jobs.trn import check_trn, write_trn
    from speechrnn.reports import summary
    from speechrnn.reports.analysis import analyse
    from speechrnn.reports.files import REPORT, write_evaluation
    from speechrnn.reports.page import Extras
    from speechrnn.reports.scores import scores_record
    from speechrnn.reports.tables import markdown

    helpers = decoding.helpers(lm, lexicon, letter_lm, hotwords, hotword_file, rescore)
    chosen = [decoding.choose(settings, model, helpers) for model in models]
    utterances = read_manifest(manifest)
    loaded = job.load_systems(models, names, device, [choice.options for choice in chosen], helpers)
    for choice in chosen:
        choice.say()
    if trn:
        check_trn(loaded)
    provenance = job.provenance(manifest, loaded, **job.computer(device))
    make_folder(out)
    evaluation = job.evaluate(utterances, loaded, track=console.track, snr=material.noise(utterances, console.track))
    extras = Extras(
        material.details(evaluation, utterances, loaded, sound=audio is Sound.WORST, track=console.track),
        {system.name: material.training(system.path) for system in loaded},
    )
    analysis = analyse(evaluation)
    write_evaluation(out, evaluation, provenance, extras, analysis)
    if trn:
        write_trn(out, evaluation)
    if tables:
        print(markdown([scores_record(evaluation, provenance, analysis)]), end="")
    else:
        print(console.table(summary.rows(evaluation), summary.header(evaluation)))
        print()
        print("\n".join(summary.lines(evaluation, analysis)))
    if analysis.missing:
        console.logger.warning("left out: %s", analysis.missing)
    console.logger.info("wrote %s", out / REPORT)
    for system in evaluation.systems:
        for item in system.failed:
            fate = "is left out" if evaluation.values else "counts as deleted"
            console.logger.warning("%s: %s failed and %s: %s", system.name, item.id, fate, item.failure)
    if any(system.failed for system in evaluation.systems):
        raise typer.Exit(1)
