"""``speechrnn evaluate``."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    manifest: Path = typer.Argument(..., metavar="MANIFEST", help="Cuts with transcripts, such as data/an4/cuts_test.jsonl.gz."),
    models: list[Path] = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model or run directory; repeat to compare."),
    out: Path = typer.Option(..., "-o", "--out", metavar="DIR", help="For scores.json, hypotheses.jsonl and report.html."),
    names: list[str] = typer.Option([], "--name", metavar="NAME", help="Name to show a model under, one for each -m."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    tables: bool = typer.Option(False, "--tables", help="Print the figures as a Markdown table."),
) -> None:
    """Transcribe a manifest with one or more models and score them, with intervals and differences.

    A recording that cannot be read counts as all deleted, is named, and makes the exit status 1.

    \b
    Example:
      speechrnn evaluate data/an4/cuts_test.jsonl.gz -m runs/an4/small -o report
    """
    from speechrnn.cli import console
    from speechrnn.data.manifest import read_manifest
    from speechrnn.jobs import evaluate as job
    from speechrnn.jobs.output import make_folder
    from speechrnn.reports import summary
    from speechrnn.reports.files import REPORT, write_evaluation
    from speechrnn.reports.scores import scores_record
    from speechrnn.reports.tables import markdown

    utterances = read_manifest(manifest)
    loaded = job.load_systems(models, names, device)
    provenance = job.provenance(manifest, loaded, **job.computer(device))
    make_folder(out)
    evaluation = job.evaluate(utterances, loaded, track=console.track)
    write_evaluation(out, evaluation, provenance)
    if tables:
        print(markdown([scores_record(evaluation, provenance)]), end="")
    else:
        print(console.table(summary.rows(evaluation), summary.HEADER))
        print()
        print("\n".join(summary.lines(evaluation)))
    console.logger.info("wrote %s", out / REPORT)
    for system in evaluation.systems:
        for item in system.failed:
            console.logger.warning("%s: %s failed and counts as deleted: %s", system.name, item.id, item.failure)
    if any(system.failed for system in evaluation.systems):
        raise typer.Exit(1)
