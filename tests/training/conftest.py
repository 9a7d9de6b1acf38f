"""A corpus and a small experiment for tests that train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tones import write_corpus

from speechrnn.models.export import read_acoustic
from speechrnn.rundir import RunDir
from speechrnn.training.run import train


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("tones"), {"train": 24, "dev": 6, "test": 6})


@pytest.fixture
def settings(corpus, tmp_path):
    """Plain values of a training of seconds; ``settings(key=value)`` with dots written as double underscores."""
    torch.set_num_threads(1)

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "experiment": "tones",
            "run": {"dir": str(tmp_path / "run")},
            "data": {"dir": str(corpus), "batch_size": 4},
            "features": {"frontend": {"kind": "fbank", "mel_bins": 20}},
            "model": {"layers": 1, "hidden": 16, "dropout": 0.1},
            "trainer": {"max_epochs": 3, "accelerator": "cpu", "precision": "32", "threads": 1},
        }
        for name, value in changes.items():
            *groups, key = name.split("__")
            below = values
            for group in groups:
                below = below.setdefault(group, {})
            below[key] = value
        return values

    return make


@pytest.fixture
def by_heart(settings):
    """Trains on one batch; its run, whose dev error, of that batch, must be 0."""

    def learn(**changes: Any) -> RunDir:
        run = train(settings(trainer__overfit_batches=1, trainer__ema_decay=0.9, model__dropout=0.0, **changes))
        assert read_acoustic(run.path).info["measures"]["dev_error"] == 0.0
        return run

    return learn
