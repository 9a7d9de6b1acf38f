"""``speechrnn doctor``."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor() -> None:
    """Show what is installed and what works; the exit status is 1 where something essential is broken."""
    from speechrnn.cli import console
    from speechrnn.jobs import doctor as job

    findings = list(console.track(job.examine(), "examine"))
    print(console.table([[finding.name, finding.state, finding.found] for finding in findings], ["what", "state", "found"]))
    remedies = [finding for finding in findings if finding.remedy]
    if remedies:
        print()
    for finding in remedies:
        print(f"{finding.name}: {finding.remedy}")
    if any(finding.state == job.BROKEN for finding in findings):
        raise typer.Exit(1)
