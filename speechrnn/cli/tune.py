"""``speechrnn tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from speechrnn.cli import decoding

if TYPE_CHECKING:
    from speechrnn.jobs.tune import Outcome

SHOWN = 10
"""Settings that are printed, the best first."""


def register(app: typer.Typer) -> None:
    app.command("tune")(tune)


def tune(
    manifest: Path = typer.Argument(
        ..., metavar="MANIFEST", help="Cuts of dev, such as data/an4/cuts_dev.jsonl.gz; never of test."
    ),
    model: Path = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model or run directory."),
    out: Path | None = typer.Option(None, "-o", "--out", metavar="FILE", help="Write all that was tried here, as a table (TSV)."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    jobs: int | None = typer.Option(None, "--jobs", min=1, metavar="N", help="Utterances decoded at a time. [default: all cores]"),
    lm: decoding.Lm = None,
    lexicon: decoding.Lexicon = None,
    letter_lm: decoding.LetterLm = None,
    rescore: decoding.Rescore = None,
    settings: decoding.Settings = [],  # noqa: B006
) -> None:
    """Choose decoding weights on dev and store them beside the model.

    Weights and confidences go into MODEL/decoding.yaml, for these helpers (language model, lexicon, known by their checksums).
    transcribe and evaluate use them when they are given the same. A weight given by --decoding stays as it is.

    \b
    Examples:
      speechrnn tune data/an4/cuts_dev.jsonl.gz -m runs/an4/small --lm data/an4/lm.arpa
      speechrnn tune data/own/cuts_dev.jsonl.gz -m runs/own --letter-lm letters.arpa -o tuning.tsv
    """
    from speechrnn.cli import console
    from speechrnn.config import only_values
    from speechrnn.data.manifest import read_manifest
    from speechrnn.jobs import tune as job
    from speechrnn.jobs.evaluate import load_systems

    helpers = decoding.helpers(lm, lexicon, letter_lm, [], None, rescore)
    options = decoding.options(settings)
    utterances = read_manifest(manifest)
    (loaded,) = load_systems([model], device=device)
    fixed = tuple(only_values(settings))
    outcome = job.tune(manifest, utterances, loaded, options, helpers, fixed=fixed, threads=jobs, track=console.track)
    if outcome.best.weights:
        print(console.table(*_rows(outcome)))
    if out is not None:
        job.write_trials(out, outcome)
    print(_summary(outcome))
    for what, (before, after) in outcome.reliability.items():
        if before is not after:
            print(f"as heard, {before.line(what)}")
            print(f"calibrated, {after.line(what)}")
        else:
            print(f"not calibrated, for too few are right, or wrong: {before.line(what)}")
    console.logger.info("wrote %s", job.store(loaded, outcome, helpers, options.kind))
    for name, why in outcome.failures.items():
        console.logger.warning("%s is left out: %s", name, why)
    if outcome.failures:
        raise typer.Exit(1)


def _rows(outcome: Outcome) -> tuple[list[list[Any]], list[str]]:
    """The settings with the fewest errors, what is stored, which lies amid those that err about as little, and the defaults."""
    shown = sorted(outcome.trials, key=lambda trial: trial.rank)[:SHOWN]
    for trial in (outcome.best, outcome.trials[0]):
        if trial not in shown:
            shown.append(trial)
    rows = [[*(f"{v:g}" for v in trial.weights.values()), f"{trial.counts.percent:.2f}", trial.counts.errors] for trial in shown]
    for row, trial in zip(rows, shown, strict=True):
        row.append("stored" if trial is outcome.best else "default" if trial is outcome.trials[0] else "")
    return rows, [*outcome.best.weights, f"{outcome.metric.upper()} %", "errors", ""]


def _summary(outcome: Outcome) -> str:
    """What is stored, in a line."""
    c = outcome.best.counts
    chosen = " ".join(f"{name}={value:g}" for name, value in outcome.best.weights.items())
    tried = f" with {chosen}, amid the best of {len(outcome.trials)} settings" if chosen else ""
    return f"{outcome.metric.upper()} {c.percent:.2f} % ({c.errors} errors in {c.tokens}){tried}"
