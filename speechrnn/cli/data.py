"""``speechrnn data``: publishers' layouts and other people's formats into manifests."""

from __future__ import annotations

from pathlib import Path

import typer

data = typer.Typer(help="Prepare, import and inspect data directories.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(data, name="data")


@data.command("prepare")
def prepare(
    corpus: str = typer.Argument(..., metavar="CORPUS", help="an4."),
    source: Path = typer.Argument(..., metavar="SRC", help="The folder as its publisher ships it."),
    out: Path = typer.Argument(..., metavar="OUT", help="The data directory to write."),
) -> None:
    """Turn a corpus as its publisher ships it into a data directory."""
    from speechrnn.cli import console
    from speechrnn.data.corpora import corpus_module

    prepared = corpus_module(corpus).prepare(source, out, track=console.track)
    rows = [[split, prepared.utterances[split], f"{prepared.hours[split]:.2f}"] for split in prepared.manifests]
    print(console.table(rows, ["split", "utterances", "hours"]))
