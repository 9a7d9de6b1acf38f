"""One training from configuration to model directory."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from speechrnn.config import build, merge, read_yaml, to_yaml
from speechrnn.data.facts import check_same_data, data_facts
from speechrnn.data.inventory import load_splits
from speechrnn.data.labels import with_texts
from speechrnn.errors import DataError, Interrupted, UsageError, typed
from speechrnn.models.acoustic import AcousticModel
from speechrnn.models.ctc import CtcOptions
from speechrnn.models.denormals import flushed_to_zero
from speechrnn.models.export import write_acoustic
from speechrnn.models.head import TokenOptions
from speechrnn.rundir import LogFile, RunDir, machine, versions
from speechrnn.training.averaging import WeightAverage, Weights
from speechrnn.training.checkpoints import LAST, Checkpoints
from speechrnn.training.data import SpeechData, Tracker
from speechrnn.training.diagnostics import GradientFlow
from speechrnn.training.inventory import resolve
from speechrnn.training.logs import BlankMonitor, ProgressBar, Recorder
from speechrnn.training.module import RecognizerModule
from speechrnn.training.options import Experiment
from speechrnn.training.repeatable import ResumePoint, StepSeed
from speechrnn.training.seeding import seed_torch
from speechrnn.training.start import start_from
from speechrnn.training.tasks import make_task
from speechrnn.training.trainer import first_process, make_trainer, pick_accelerator, pick_precision, quiet_lightning

logger = logging.getLogger("speechrnn")
BY_HEART = 200
"""Steps that a batch takes, about, until it is learned by heart."""
RUN_DIR_VARIABLE = "SPEECHRNN_RUN_DIR"
"""Tells the further processes of a run on several devices where the first keeps it."""
RESUMABLE = {"trainer.max_epochs", "trainer.accelerator", "trainer.devices", "trainer.num_nodes"}
"""Keys that may change with --resume."""


def _untracked(items: Iterable[Any], description: str, total: int) -> Iterator[Any]:
    yield from items


def train(values: Mapping[str, Any], *, track: Tracker = _untracked, progress: bool = False) -> RunDir:
    """Train from plain configuration values (:func:`speechrnn.config.compose`).

    Returns:
        The run directory; its ``model/`` is ready to use.

    Raises:
        UsageError: faults of the configuration, all together.
        DataError: what is wrong with the data, by name.
        Interrupted: stopped by the user; saved and resumable.
    """
    experiment = build(Experiment, values)
    started = _clocks()
    run = _run_dir(experiment)
    experiment = dataclasses.replace(experiment, run=dataclasses.replace(experiment.run, dir=run.path))
    return _train(experiment, run, started, track, progress, resume=False)


def resume(path: Path, overrides: Mapping[str, Any], *, track: Tracker = _untracked, progress: bool = False) -> RunDir:
    """Go on with a run from its last checkpoint, as if it had never stopped.

    Raises:
        UsageError: an override of something that may not change.
        DataError: no run there.
    """
    run = RunDir.open(path)
    given = _flatten(overrides)
    refused = sorted(set(given) - RESUMABLE)
    if refused:
        raise UsageError(
            f"--resume takes its configuration from the run; {', '.join(refused)} may not change",
            f"only {', '.join(sorted(RESUMABLE))} may",
        )
    stored = read_yaml(run.path / "config.yaml")
    experiment = build(Experiment, merge(stored, overrides), str(run.path / "config.yaml"))
    before = build(Experiment, stored, str(run.path / "config.yaml"))
    if experiment.trainer.schedule == "one_cycle" and experiment.trainer.max_epochs != before.trainer.max_epochs:
        raise UsageError(
            "trainer.max_epochs may not change under the one-cycle schedule, which ends at its last step",
            "start a new run with init=MODEL",
        )
    experiment = dataclasses.replace(experiment, run=dataclasses.replace(experiment.run, dir=run.path))
    found = (run.checkpoints / LAST).is_file()
    if not found:
        logger.warning("%s: no checkpoint yet; starting over", run.path)
    return _train(experiment, run, _clocks(), track, progress, resume=found)


def _run_dir(experiment: Experiment) -> RunDir:
    """A new run directory; the processes beside the first find the one it made."""
    if first_process():
        run = RunDir.create(experiment.run.dir, experiment.experiment)
        os.environ[RUN_DIR_VARIABLE] = str(run.path)
        return run
    path = os.environ.get(RUN_DIR_VARIABLE) or experiment.run.dir
    if not path:
        raise UsageError(
            "run.dir is not set, and this is not the first process", "give run.dir=DIR when a launcher starts the processes"
        )
    return RunDir(Path(path))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat


def _clocks() -> dict[str, float]:
    """Seconds on the wall and on the CPUs (of this process, all threads): beside other work only the second tells the cost."""
    return {"seconds": time.monotonic(), "cpu_seconds": time.process_time()}


def _train(
    experiment: Experiment, run: RunDir, started: Mapping[str, float], track: Tracker, progress: bool, *, resume: bool
) -> RunDir:
    if not first_process():
        logger.setLevel(logging.ERROR)
        _fit(experiment, run, track, False, resume=resume)
        return run
    empty = not any(run.path.iterdir())
    handler = LogFile(run)
    logger.addHandler(handler)
    logger.setLevel(min(logger.level or logging.INFO, logging.INFO))
    before = run.read_run()
    try:
        _fit(experiment, run, track, progress, resume=resume)
    finally:
        logger.removeHandler(handler)
        handler.close()
        if run.begun:
            # What ended the run on a full disk is told, not this.
            with contextlib.suppress(DataError):
                run.write_run({name: round(before.get(name, 0.0) + now - started[name], 1) for name, now in _clocks().items()})
        elif empty:
            run.discard()
    return run


@flushed_to_zero()
def _fit(experiment: Experiment, run: RunDir, track: Tracker, progress: bool, *, resume: bool) -> None:
    o = experiment.trainer
    # What the machine lacks is said before the data are read.
    pick_accelerator(o)
    pick_precision(o)
    if o.threads:
        torch.set_num_threads(o.threads)
    if o.precision == "32":
        torch.backends.cudnn.allow_tf32 = False
    train_set, dev_set = load_splits(experiment.data.dir)
    if isinstance(experiment.head, TokenOptions):
        train_set, dev_set = (with_texts(utterances, experiment.head.text) for utterances in (train_set, dev_set))
    assert experiment.data.dir
    folder = experiment.data.dir
    facts = {"data": data_facts(folder), "parents": run.read_run().get("parents", [])}
    if resume:
        check_same_data(run.read_run().get("data", {}), facts["data"], run.path)
    experiment, options = resolve(experiment, train_set)
    task = make_task(options, folder, train_set)
    seed_torch(experiment.seed)
    model = AcousticModel(options, task.vocabulary.tokens)
    data = SpeechData(experiment.data, model, task, train_set, dev_set, experiment.seed, o.overfit_batches)
    if o.overfit_batches and o.overfit_batches * o.max_epochs < BY_HEART:
        logger.warning("%d steps are few to learn by heart: give trainer.max_epochs=300", o.overfit_batches * o.max_epochs)
    if experiment.init and not resume:
        facts["parents"] = start_from(experiment.init, model)
    data.fit_normalization(model, track)
    if data.levels_db:
        facts["levels_db"] = [round(level, 1) for level in data.levels_db]
    task.fit(model, data.train_items)
    module = RecognizerModule(model, task, o, data.steps(o.max_epochs))
    module.train_items, module.dev_items = data.train_items, data.dev_items
    if first_process():
        run.write_config(to_yaml(experiment))
        made_with = {"versions": versions(), "machine": machine(), "seed": experiment.seed, "threads": torch.get_num_threads()}
        run.write_run({**made_with, **facts, "finished": False})

    def keep(weights: Weights, metrics: Mapping[str, float]) -> None:
        measures = {name: round(metrics[name], 4) for name in ("dev_error", "dev_wer", "dev_loss") if name in metrics}
        write_acoustic(run.model, options, task.vocabulary, weights, {"name": experiment.experiment, "measures": measures, **facts})

    checkpoints = Checkpoints(run, o.keep_best, o.checkpoint_every_s, o.early_stopping, keep)
    callbacks: list[pl.Callback] = [StepSeed(experiment.seed), ResumePoint(data), Recorder(run)]
    if isinstance(options.head, CtcOptions):
        callbacks.append(BlankMonitor())
    if o.diagnose:
        callbacks.append(GradientFlow(run, data))
    if o.average == "ema":
        callbacks.append(WeightAverage(o.ema_decay))
    if progress:
        callbacks.append(ProgressBar())
    callbacks.append(checkpoints)
    with quiet_lightning():
        trainer = make_trainer(o, callbacks)
    logger.info(
        "%d utterances to train on, %d for dev, %d tokens, %s weights, %.0f frames/s, %s, padding %.1f %%",
        len(module.train_items), len(module.dev_items), len(task.vocabulary), _amount(sum(p.numel() for p in model.parameters())),
        1 / model.frame_shift, trainer.precision, 100 * data.padding(),
    )  # fmt: skip
    try:
        with quiet_lightning():
            trainer.fit(module, data, ckpt_path=run.checkpoints / LAST if resume else None, weights_only=True)
        best = checkpoints.best[0][0]
        if o.average == "best":
            best = _keep_best_average(trainer, module, data, checkpoints, keep)
    except RuntimeError as error:
        # torch.OutOfMemoryError on a GPU; the CPU's allocator only says so in words.
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise _out_of_memory(module) from error
    except SystemExit:
        # So Lightning answers a Ctrl-C that no step waits for: the first one before or after training, or a second one.
        raise Interrupted(
            "stopped at once; what came after the last checkpoint is lost",
            f"go on with: speechrnn train --resume {typed(run.path)}",
        ) from None
    if not trainer.is_global_zero:
        return
    run.write_run({"finished": True, "epochs": trainer.current_epoch, "steps": trainer.global_step})
    logger.info("done: %s, dev error %.2f %%", run.model, best)


def _amount(count: int) -> str:
    """Millions, or where they would be none, ones."""
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"


def _keep_best_average(
    trainer: pl.Trainer, module: RecognizerModule, data: SpeechData, checkpoints: Checkpoints, keep: Any
) -> float:
    """Validate the mean of the best checkpoints; it replaces the best single one where dev says so.

    Returns:
        The dev error (%) of the one that is kept.
    """
    single = checkpoints.best[0][0]
    # The first process writes the checkpoints that all average.
    trainer.strategy.barrier()
    average = checkpoints.best_average()
    if average is None:
        return single
    module.model.load_state_dict(average)
    with quiet_lightning():
        trainer.validate(module, data, verbose=False)
    metrics = module.validation.metrics()
    if metrics["dev_error"] <= single and trainer.is_global_zero:
        keep(average, metrics)
    logger.info("mean of the best %d: dev error %.2f %% (best single %.2f %%)", len(checkpoints.best), metrics["dev_error"], single)
    return min(metrics["dev_error"], single)


def _out_of_memory(module: RecognizerModule) -> DataError:
    items = module.train_items
    batch = module.last_batch
    indices = batch.indices.tolist() if batch is not None else []
    frames = dict(zip(indices, batch.lengths.tolist(), strict=True)) if batch is not None else {}
    longest = sorted(indices, key=lambda i: -frames[i])[:5]
    seconds = max(frames.values(), default=0) * len(indices) * module.model.options.features.frontend.hop_ms / 1000
    named = ", ".join(items[i].clip.id for i in longest)
    return DataError(
        f"out of memory in a batch of {len(indices)} utterances, {seconds:.0f} s with padding; the longest: {named}",
        f"try data.batch_s={max(seconds / 2, 1):.0f}, or data.max_duration_s lower to leave such utterances out",
    )
