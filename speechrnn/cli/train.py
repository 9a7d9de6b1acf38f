"""``speechrnn train``."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    app.command("train")(train)


def train() -> None:
    """Train."""
