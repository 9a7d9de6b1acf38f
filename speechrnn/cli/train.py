"""``speechrnn train``."""

from __future__ import annotations

from pathlib import Path

import typer

from speechrnn.cli import console

EPILOG = """
\b
Examples:
  speechrnn train experiment=an4/small
  speechrnn train experiment=base data.dir=data/own model.cell=gru
  speechrnn train experiment=base/hmm data.dir=data/own
  speechrnn train --resume runs/own

Every value can be set as key=value; --print-config shows them all.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train", epilog=EPILOG)(train)


def train(
    settings: list[str] | None = typer.Argument(
        None, metavar="[experiment=NAME] [KEY=VALUE]...", help="Choices of groups and single values."
    ),
    resume: Path | None = typer.Option(
        None, "--resume", metavar="RUN", help="Go on with an interrupted run from its last checkpoint."
    ),
    print_config: bool = typer.Option(False, "--print-config", help="Print the complete configuration as YAML and stop."),
) -> None:
    """Train a recognizer.

    Checkpoints are written at each epoch's end and every five minutes; Ctrl-C saves and says how to go on. Hidden Markov
    models take minutes, and begin anew.
    """
    from speechrnn import config
    from speechrnn.errors import UsageError

    settings = settings or []
    if resume is not None:
        if any(word.partition("=")[0] in (*config.GROUPS, "experiment") for word in settings):
            raise UsageError("--resume takes its configuration from the run", "give no experiment and no group with it")
        stored = resume / "config.yaml"
        if stored.is_file() and config.read_yaml(stored).get("kind") == config.HMM:
            raise UsageError(
                f"{resume}: hidden Markov models are trained in minutes, and not resumed", "remove the folder and train them again"
            )
        from speechrnn.training.run import resume as go_on

        print(go_on(resume, config.only_values(settings), track=console.track, progress=console.interactive()).path)
        return
    values = config.compose(settings)
    hmm = values.get("kind") == config.HMM
    if print_config:
        from speechrnn.hmm.options import HmmExperiment
        from speechrnn.training.options import Experiment

        print(config.to_yaml(config.build(HmmExperiment if hmm else Experiment, values)), end="")
        return
    if not settings:
        raise UsageError("nothing to train", "for example: speechrnn train experiment=an4/small; see speechrnn train --help")
    if hmm:
        from speechrnn.jobs.train_hmm import train as climb

        print(climb(values, track=console.track).path)
        return
    from speechrnn.training.run import train as start

    print(start(values, track=console.track, progress=console.interactive()).path)
