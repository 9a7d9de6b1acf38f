"""``speechrnn train`` from the outside: stopped, resumed, out of disk, called wrongly; it leaves nothing half-made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from speechrnn.errors import typed
from speechrnn.training.checkpoints import read_checkpoint
from speechrnn.training.module import RecognizerModule
from speechrnn.training.options import Experiment

COMMAND = (sys.executable, "-c", "from speechrnn.cli.main import main; main()")
QUICK = ("model.hidden=8", "trainer.schedule=constant")


@pytest.fixture
def train(speechrnn, tones, small, tmp_path):
    """``speechrnn train`` on the tones into ``tmp_path/run``, with more words."""

    def call(*words: str):
        return speechrnn("train", "experiment=base", f"data.dir={tones}", f"run.dir={tmp_path / 'run'}", *small, *QUICK, *words)

    return call


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_stopped_in_the_middle_it_saves_says_so_and_goes_on(speechrnn, tones, small, tmp_path):
    run = tmp_path / "Lauf (é)"
    words = ("train", "experiment=base", f"data.dir={tones}", f"run.dir={run}", *small, *QUICK, "trainer.max_epochs=5000")
    with subprocess.Popen((*COMMAND, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("epoch 2/"):
                process.send_signal(signal.SIGINT)
                break
        said += process.stderr.readlines()
        out = process.stdout.read()
    assert (process.returncode, out) == (130, ""), "".join(said)
    stopped = re.fullmatch(r"stopped in epoch (\d+) after step (\d+); saved\n", said[-2])
    assert stopped, "".join(said)
    assert said[-1] == f"go on with: speechrnn train --resume {typed(run)}\n"
    assert not re.search("Tip:|GPU available|Mixed Precision|Warning|Traceback", "".join(said)), "nothing of Lightning's own"
    epoch, step = map(int, stopped.groups())
    checkpoint = read_checkpoint(run / "checkpoints" / "last.ckpt")
    assert checkpoint["global_step"] == step
    resumed = speechrnn("train", "--resume", run, f"trainer.max_epochs={epoch + 1}")
    assert (resumed.status, resumed.out) == (0, f"{run}\n"), resumed.err
    rows = (run / "metrics.csv").read_text().splitlines()
    steps = [int(row.split(",")[1]) for row in rows[1:] if row.split(",")[2]]
    assert steps == list(range(1, len(steps) + 1)), "each step once, none lost"
    assert len(steps) == 3 * (epoch + 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process by SIGTERM")
@pytest.mark.parametrize("hook", ["training_step", "validation_step"])
def test_termination_waits_for_what_is_going_on(hook, train, monkeypatch, tmp_path):
    original = getattr(RecognizerModule, hook)

    def signalled(self, batch, batch_idx):
        if self.trainer.current_epoch == 1 and batch_idx == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(RecognizerModule, hook, signalled)
    said = train("trainer.max_epochs=9")
    assert said.status == 130
    step = {"training_step": 4, "validation_step": 6}[hook]
    assert said.err.splitlines()[-2] == f"stopped in epoch 2 after step {step}; saved"
    assert "once more stops at once" in said.err
    assert read_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")["global_step"] == step


def test_a_second_ctrl_c_stops_at_once_and_gives_the_signal_back(train, monkeypatch, tmp_path):
    original = RecognizerModule.training_step

    def training_step(self, batch, batch_idx):
        if self.trainer.current_epoch == 1:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(RecognizerModule, "training_step", training_step)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    said = train("trainer.max_epochs=3")
    assert (said.status, said.out) == (130, "")
    assert said.err.splitlines()[-2:] == [
        "stopped at once; what came after the last checkpoint is lost",
        f"go on with: speechrnn train --resume {typed(tmp_path / 'run')}",
    ]
    assert read_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")["epoch"] == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_signals_are_given_back_when_training_is_done(train):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert train("trainer.max_epochs=1").status == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_ctrl_c_while_recordings_are_read_leaves_nothing(train, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("speechrnn.training.batches.read_clip", interrupted)
    said = train()
    assert (said.status, said.out) == (130, "")
    assert said.err.splitlines()[-1] == "stopped"
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_a_full_disk_costs_no_checkpoint(train, speechrnn, tmp_path):
    import resource

    run = tmp_path / "run"
    assert train("trainer.max_epochs=2").status == 0
    last = run / "checkpoints" / "last.ckpt"
    files = {path: path.read_bytes() for folder in ("checkpoints", "model") for path in (run / folder).iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (last.stat().st_size // 2, limits[1]))
    try:
        said = speechrnn("train", "--resume", run, "trainer.max_epochs=4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (said.status, said.out) == (1, "")
    *_, message, remedy = said.err.splitlines()
    assert message.startswith("error: ")
    assert ".ckpt: could not be written: " in message
    assert remedy.strip() == "free some space or choose another folder; nothing was replaced"
    assert {path: path.read_bytes() for folder in ("checkpoints", "model") for path in (run / folder).iterdir()} == files
    resumed = speechrnn("train", "--resume", run, "trainer.max_epochs=3")
    assert resumed.status == 0, resumed.err


def test_a_fault_while_training_is_saved_and_named(train, monkeypatch):
    def fail(self, batch, batch_idx):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(RecognizerModule, "training_step", fail)
    said = train()
    assert (said.status, said.out) == (70, "")
    saved = re.search(r"its traceback is in (.*); please report it", said.err)
    assert saved, said.err
    assert "planted" in Path(saved[1]).read_text(encoding="utf-8")
    Path(saved[1]).unlink()


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ([], "nothing to train", "for example: speechrnn train experiment=an4/small"),
        (["nonsense"], "'nonsense' is not key=value", "for example: "),
        (["experiment=bsae"], "experiment=bsae: no such experiment", "did you mean 'base'?"),
        (["experiment=base", "model=lsmt"], "model=lsmt: no such model", "did you mean 'lstm'?"),
        (["experiment=base"], "data.dir is not set", "data.dir=FOLDER"),
        (["experiment=base", "trainer.validate_every=9", "trainer.max_epochs=3"], "no model would be kept", ""),
        (["--resume", "RUN", "model.hidden=3"], "model.hidden may not change", "only trainer.accelerator"),
        (["--resume", "RUN", "experiment=base"], "--resume takes its configuration from the run", "give no experiment"),
    ],
)
def test_wrong_calls(words, message, remedy, speechrnn, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = speechrnn("train", *(own.run if word == "RUN" else word for word in words))
    assert (said.status, said.out) == (2, ""), said.err
    assert message in said.err
    assert remedy in said.err
    assert not any(path.is_file() for path in tmp_path.rglob("*")), "nothing is left of what never began"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("trainer.accelerator=cuda", "trainer.accelerator=cuda trainer.devices=1: torch finds 0 CUDA GPUs"),
        ("trainer.precision=fp16", "trainer.precision=fp16 needs a CUDA GPU"),
    ],
)
def test_what_the_machine_lacks_is_said_before_the_data_are_read(word, message, train, tmp_path):
    said = train(word)
    assert (said.status, said.error()[0]) == (2, message)
    assert not (tmp_path / "run").exists()


def test_a_key_that_does_not_exist_is_named_with_its_neighbour_and_all_faults_come_together(speechrnn, tones, tmp_path):
    words = ("model.hiden=3", "trainer.max_epoch=2", "seed=many")
    said = speechrnn("train", "experiment=base", f"data.dir={tones}", f"run.dir={tmp_path / 'run'}", *words)
    assert said.status == 2
    assert "unknown key model.hiden: did you mean 'model.hidden'?" in said.err
    assert "unknown key trainer.max_epoch: did you mean 'trainer.max_epochs'?" in said.err
    assert "seed is 'many', expected a whole number" in said.err
    assert "3 faults" in said.err
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run_cannot_be_resumed(speechrnn, tmp_path):
    said = speechrnn("train", "--resume", tmp_path)
    assert said.status == 1
    assert said.error()[0] == f"{tmp_path}: no run in it (config.yaml is missing)"


def test_a_run_is_not_overwritten(speechrnn, own, small):
    before = (own.run / "metrics.csv").read_bytes()
    said = speechrnn("train", "experiment=base", f"data.dir={own.data}", f"run.dir={own.run}", *small)
    assert said.status == 2
    message, remedy = said.error()
    assert message == f"{own.run}: holds a run already"
    assert f"--resume {typed(own.run)}" in remedy
    assert (own.run / "metrics.csv").read_bytes() == before


def test_print_config_is_a_result_that_trains(speechrnn, tmp_path):
    from speechrnn.config import build, read_yaml

    said = speechrnn("train", "experiment=base", "model.hidden=17", "--print-config")
    assert (said.status, said.err) == (0, "")
    (tmp_path / "own.yaml").write_text(said.out, encoding="utf-8")
    assert build(Experiment, read_yaml(tmp_path / "own.yaml")).model.hidden == 17


@pytest.mark.parametrize("words", [("trainer.schedule=plateau", "trainer.validate_every=2"), ("trainer.schedule=one_cycle",)])
def test_schedules_count_the_steps_they_get(words, train, tmp_path):
    said = train(*words, "trainer.accumulate=2", "trainer.max_epochs=4")
    assert said.status == 0, said.err
    rows = [row.split(",") for row in (tmp_path / "run" / "metrics.csv").read_text().splitlines()[1:]]
    steps = [int(row[1]) for row in rows if row[2]]
    assert max(steps) == 4 * 2, "12 utterances by fours are three batches, two steps, an epoch"
