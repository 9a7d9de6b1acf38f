"""A killed and resumed training ends bit-equal to an unbroken one, and its log repeats and loses nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from speechrnn.errors import DataError, Interrupted, UsageError
from speechrnn.training.checkpoints import Checkpoints
from speechrnn.training.run import resume, train

TESTS = Path(__file__).resolve().parent.parent
SCRIPT = """
import sys
from speechrnn.config import read_yaml
from speechrnn.training.run import resume, train
from speechrnn.training.logs import Recorder
from pathlib import Path
import time
# Slow enough to be killed at a chosen step.
original = Recorder.on_train_batch_end
Recorder.on_train_batch_end = lambda *arguments: (original(*arguments), time.sleep(0.05))
action, path = sys.argv[1:]
resume(Path(path), {}) if action == "resume" else train(read_yaml(Path(path)))
"""


def assert_same_run(one: Path, other: Path) -> None:
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()
    ours, theirs = (load_file(run / "model" / "weights.safetensors") for run in (one, other))
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


class StopAt:
    """Makes a run stop as if Ctrl-C had come during a given step."""

    def __init__(self, monkeypatch, step: int) -> None:
        original = Checkpoints.on_train_batch_end

        def on_train_batch_end(self, trainer, *rest):
            if trainer.global_step == step:
                self._stop.set()
            original(self, trainer, *rest)

        monkeypatch.setattr(Checkpoints, "on_train_batch_end", on_train_batch_end)


VARIANTS = [
    {"trainer__schedule": "one_cycle"},
    # Reduced after every validation that is no better: an epoch whose step of the schedule is lost shows in the next rate.
    {"trainer__schedule": "plateau", "trainer__plateau_patience": 0, "trainer__learning_rate": 1e-7},
    {"trainer__accumulate": 2},
    {"trainer__schedule": "constant", "trainer__early_stopping": 2, "trainer__learning_rate": 1e-9, "trainer__max_epochs": 9},
    {"trainer__average": "none", "trainer__validate_every": 2},
    {"model__subsampling": "conv2d"},
    {"head": {"kind": "transducer", "hidden": 8, "embedding": 4, "joint": 8, "ctc_weight": 0.3}},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_stopped_anywhere_and_resumed_equals_unbroken(settings, tmp_path, monkeypatch, changes):
    whole = train(settings(run__dir=str(tmp_path / "whole"), **changes)).path
    for step in (1, 5, 6, 9, 12):
        path = tmp_path / f"stopped{step}"
        with monkeypatch.context() as patch:
            StopAt(patch, step)
            with contextlib.suppress(Interrupted):
                train(settings(run__dir=str(path), **changes))
        resume(path, {})
        assert_same_run(path, whole)


def test_a_stopped_run_says_how_to_go_on(settings, monkeypatch):
    StopAt(monkeypatch, 5)
    with pytest.raises(Interrupted, match="saved") as caught:
        train(settings())
    assert "--resume" in caught.value.remedy


def test_resuming_a_finished_run_changes_nothing(settings):
    changes = {"trainer__schedule": "constant", "trainer__early_stopping": 2, "trainer__learning_rate": 1e-9}
    path = train(settings(trainer__max_epochs=9, **changes)).path
    before = (path / "metrics.csv").read_text()
    resume(path, {})
    assert (path / "metrics.csv").read_text() == before


def test_changed_data_are_refused(settings, corpus, tmp_path):
    import shutil

    folder = tmp_path / "data"
    shutil.copytree(corpus, folder)
    path = train(settings(data__dir=str(folder))).path
    (folder / "cuts_train.jsonl.gz").write_bytes((folder / "cuts_dev.jsonl.gz").read_bytes())
    with pytest.raises(DataError, match=r"cuts_train\.jsonl\.gz changed since this run began"):
        resume(path, {})


@pytest.mark.slow
def test_killed_at_random_points_and_resumed_equals_unbroken(settings, tmp_path):
    import yaml

    def write(name: str, **more) -> Path:
        file = tmp_path / f"{name}.yaml"
        values = settings(
            run__dir=str(tmp_path / name), trainer__max_epochs=12, trainer__checkpoint_every_s=0.2, model__hidden=48, **more
        )
        file.write_text(yaml.safe_dump(values))
        return file

    def start(action: str, path: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, action, str(path)], stderr=subprocess.DEVNULL)

    def rows() -> int:
        metrics = tmp_path / "killed" / "metrics.csv"
        return metrics.read_text().count("\n") if metrics.is_file() else 0

    assert start("train", write("whole")).wait() == 0
    # 12 epochs of 6 steps and a validation: a point in each fifth of the run.
    targets = np.linspace(3, 70, 5) + np.random.default_rng(0).uniform(0, 10, 5)
    process = start("train", write("killed"))
    for target in targets:
        while rows() < target:
            assert process.poll() is None, "the run ended before it was killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = start("resume", tmp_path / "killed")
    assert process.wait() == 0
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


def test_nothing_saved_yet_starts_over_and_says_so(settings, tmp_path, caplog):
    whole = train(settings()).path
    for file in (whole / "checkpoints").iterdir():
        file.unlink()
    before = (whole / "metrics.csv").read_text()
    resume(whole, {})
    assert "starting over" in caplog.text
    assert (whole / "metrics.csv").read_text() == before


def test_resume_refuses_what_may_not_change(settings):
    path = train(settings()).path
    with pytest.raises(UsageError, match=r"model\.hidden may not change"):
        resume(path, {"model": {"hidden": 5}})
    with pytest.raises(UsageError, match="one-cycle"):
        resume(path, {"trainer": {"max_epochs": 9}})


def test_max_epochs_may_grow_without_one_cycle(settings):
    path = train(settings(trainer__schedule="constant")).path
    resume(path, {"trainer": {"max_epochs": 5}})
    rows = (path / "metrics.csv").read_text().splitlines()
    assert rows[-1].startswith("5,")


def test_a_damaged_checkpoint_is_named(settings):
    path = train(settings()).path
    last = path / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"last\.ckpt: damaged"):
        resume(path, {})


def test_a_hostile_checkpoint_is_not_run(settings, tmp_path):
    import pickle

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    path = train(settings()).path
    (path / "checkpoints" / "last.ckpt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(DataError, match=r"last\.ckpt"):
        resume(path, {})
    assert not (tmp_path / "marker").exists()


def test_a_second_run_does_not_overwrite_the_first(settings):
    train(settings())
    with pytest.raises(UsageError, match="holds a run already"):
        train(settings())
