"""``speechrnn score``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Unit(StrEnum):
    """What is counted."""

    WORD = "word"
    CHAR = "char"
    TOKEN = "token"


class Case(StrEnum):
    """Upper and lower case."""

    KEEP = "keep"
    LOWER = "lower"
    UPPER = "upper"


def register(app: typer.Typer) -> None:
    app.command("score")(score)


def score(
    reference: Path = typer.Argument(..., metavar="REF", help="`id text` lines, a manifest, or a hypotheses.jsonl."),
    hypotheses: list[Path] = typer.Argument(..., metavar="HYP...", help="`id text` lines or a hypotheses.jsonl."),
    out: Path | None = typer.Option(None, "-o", "--out", metavar="DIR", help="Also write a report here."),
    unit: Unit | None = typer.Option(None, help="Default: words where all hypotheses hold words, else letters or phones."),
    tokens: Path | None = typer.Option(None, metavar="FILE", help="tokens.txt by which text is split into tokens; else at spaces."),
    case: Case = typer.Option(Case.KEEP, help="Applied to both sides before scoring."),
    trn: bool = typer.Option(False, "--trn", help="With -o: also NAME.ref.trn and NAME.hyp.trn for sclite."),
    tables: bool = typer.Option(False, "--tables", help="Print the figures as a Markdown table."),
    remove: str = typer.Option("", metavar="CHARS", help="Characters dropped from both sides, such as .,?"),
) -> None:
    """Score hypotheses of any recognizer: Kaldi's line for each, with a 95 % interval; for several, how sure their differences are.

    A reference without hypothesis counts as all deleted, is named, and makes the exit status 1.

    \b
    Example:
      speechrnn score reference.txt kaldi.txt ours.txt -o report
    """
    from speechrnn.cli import console
    from speechrnn.errors import UsageError, listed
    from speechrnn.jobs import score as job
    from speechrnn.jobs.trn import write_trn
    from speechrnn.reports import summary
    from speechrnn.reports.analysis import analyse
    from speechrnn.reports.files import write_evaluation
    from speechrnn.reports.scores import scores_record
    from speechrnn.reports.tables import markdown
    from speechrnn.text.normalize import TextOptions
    from speechrnn.text.tokenizer import BLANK, read_tokens

    if trn and out is None:
        raise UsageError("--trn without a folder to write to", "add -o DIR")
    options = TextOptions(case=case.value, remove=remove)
    inventory = [token for token in read_tokens(tokens) if token != BLANK] if tokens else []
    evaluation = job.score(reference, hypotheses, unit=unit.value if unit else None, options=options, tokens=inventory)
    provenance, analysis = job.provenance(reference, options), analyse(evaluation)
    if tables:
        print(markdown([scores_record(evaluation, provenance, analysis)]), end="")
    else:
        print("\n".join(summary.lines(evaluation, analysis)))
    if out is not None:
        write_evaluation(out, evaluation, provenance, analysis=analysis)
        if trn:
            write_trn(out, evaluation)
        console.logger.info("wrote %s", out / "report.html")
    for system in evaluation.systems:
        if system.failed:
            ids = listed((item.id for item in system.failed), 20)
            console.logger.warning(
                "%s: no hypothesis for %d utterances, counted as deleted: %s", system.name, len(system.failed), ids
            )
    if any(system.failed for system in evaluation.systems):
        raise typer.Exit(1)
