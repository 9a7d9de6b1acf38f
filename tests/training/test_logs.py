"""What a training says while it runs: events equal the table, the bar holds what is promised."""

from __future__ import annotations

import csv
import math

import pytest
import torch
from rich.console import Console

from speechrnn.errors import UsageError
from speechrnn.training.run import train
from speechrnn.training.trainer import cpu_runs_bf16


def test_tensorboard_holds_what_the_table_holds(settings):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(settings(trainer__max_epochs=2))
    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    with (run.path / "metrics.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [name for name in rows[0] if name not in ("epoch", "step")]
    assert set(events.Tags()["scalars"]) == set(names)
    for name in names:
        table = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        board = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in board] == [step for step, _ in table]
        assert [value for _, value in board] == pytest.approx([value for _, value in table], rel=1e-5)


def test_the_bar_shows_loss_error_blank_share_and_gradient(settings, monkeypatch):
    import rich.progress

    said = []
    kept = rich.progress.Progress

    class Watched(kept):
        def __init__(self, *columns, console, transient):
            super().__init__(*columns, console=Console(quiet=True), transient=transient)

        def update(self, task, **fields):
            said.append((fields["completed"], fields["said"]))
            super().update(task, **fields)

    monkeypatch.setattr(rich.progress, "Progress", Watched)
    train(settings(trainer__max_epochs=2), progress=True)
    per_epoch = len(said) // 2
    assert [completed for completed, _ in said] == [*range(1, per_epoch + 1)] * 2
    assert all("loss " in text for _, text in said)
    assert all("gradient " in text for _, text in said)
    # There is no error rate before the first validation.
    assert "dev " not in said[0][1]
    assert "dev " in said[-1][1]
    assert "% blank" not in said[-1][1]
    assert "blank " in said[-1][1]


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_figure_a_step_is_finite(settings, precision):
    if precision == "bf16" and not torch.cuda.is_available() and not cpu_runs_bf16():
        with pytest.raises(UsageError, match="need AVX-512"):
            train(settings(trainer__precision=precision))
        return
    run = train(settings(trainer__max_epochs=1, trainer__precision=precision))
    with (run.path / "metrics.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["loss"]]
    assert rows
    assert all(math.isfinite(float(row[name])) for row in rows for name in ("loss", "gradient_norm", "learning_rate"))
