"""One training from configuration to model directory."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.utilities import rank_zero_only

from speechrnn.config import build, merge, read_yaml, to_plain, to_yaml
from speechrnn.data.randomness import generator
from speechrnn.errors import DataError, UsageError
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.export import read_acoustic, write_acoustic
from speechrnn.rundir import LOG, RunDir, machine, versions
from speechrnn.text.tokenizer import Tokenizer
from speechrnn.training.averaging import WeightAverage, Weights
from speechrnn.training.checkpoints import LAST, AtomicCheckpointIO, Checkpoints, read_checkpoint
from speechrnn.training.data import SpeechData, Tracker, common_rate, load_splits, make_tokenizer
from speechrnn.training.facts import data_facts
from speechrnn.training.logs import BlankMonitor, ProgressBar, Recorder
from speechrnn.training.module import RecognizerModule
from speechrnn.training.options import Experiment, TrainerOptions

logger = logging.getLogger("speechrnn")
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
    started = time.time()
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
        raise UsageError(f"--resume takes its configuration from the run; {', '.join(refused)} may not change", f"only {', '.join(sorted(RESUMABLE))} may")
    stored = read_yaml(run.path / "config.yaml")
    experiment = build(Experiment, merge(stored, overrides), str(run.path / "config.yaml"))
    before = build(Experiment, stored, str(run.path / "config.yaml"))
    if experiment.trainer.schedule == "one_cycle" and experiment.trainer.max_epochs != before.trainer.max_epochs:
        raise UsageError("trainer.max_epochs may not change under the one-cycle schedule, which ends at its last step", "start a new run with init=MODEL")
    experiment = dataclasses.replace(experiment, run=dataclasses.replace(experiment.run, dir=run.path))
    found = (run.checkpoints / LAST).is_file()
    if not found:
        logger.warning("%s: no checkpoint yet; starting over", run.path)
    return _train(experiment, run, time.time(), track, progress, resume=found)


def _run_dir(experiment: Experiment) -> RunDir:
    """A new run directory; the processes beside the first find the one it made."""
    if rank_zero_only.rank == 0:
        run = RunDir.create(experiment.run.dir, experiment.experiment)
        os.environ[RUN_DIR_VARIABLE] = str(run.path)
        return run
    path = os.environ.get(RUN_DIR_VARIABLE) or experiment.run.dir
    if not path:
        raise UsageError("run.dir is not set, and this is not the first process", "give run.dir=DIR when a launcher starts the processes")
    return RunDir(Path(path))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat


def _train(experiment: Experiment, run: RunDir, started: float, track: Tracker, progress: bool, *, resume: bool) -> RunDir:
    if rank_zero_only.rank:
        logger.setLevel(logging.ERROR)
        _fit(experiment, run, started, track, False, resume=resume)
        return run
    handler = logging.FileHandler(run.path / LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(min(logger.level or logging.INFO, logging.INFO))
    try:
        _fit(experiment, run, started, track, progress, resume=resume)
    finally:
        logger.removeHandler(handler)
        handler.close()
    return run


def _fit(experiment: Experiment, run: RunDir, started: float, track: Tracker, progress: bool, *, resume: bool) -> None:
    o = experiment.trainer
    if o.threads:
        torch.set_num_threads(o.threads)
    train_set, dev_set = load_splits(experiment.data.dir)
    experiment = dataclasses.replace(experiment, sampling_rate=experiment.sampling_rate or common_rate(train_set))
    assert experiment.sampling_rate and experiment.data.dir
    options = ModelOptions(experiment.sampling_rate, experiment.features, experiment.model, experiment.head, experiment.text)
    tokenizer = make_tokenizer(options, experiment.data.dir, train_set)
    _seed(experiment.seed)
    model = AcousticModel(options, tokenizer.tokens)
    data = SpeechData(experiment.data, options, tokenizer, train_set, dev_set, model, experiment.seed, o.overfit_batches)
    parents = _start_from(experiment.init, model) if experiment.init and not resume else []
    data.fit_normalization(model, track)
    module = RecognizerModule(model, tokenizer, o, data.steps(o.max_epochs))
    module.train_items, module.dev_items = data.train_items, list(data.dev_set.items)
    facts = {"data": data_facts(experiment.data.dir), "parents": parents}
    if rank_zero_only.rank == 0:
        if not resume:
            run.write_config(to_yaml(experiment))
        run.write_run({"versions": versions(), "machine": machine(), "seed": experiment.seed, "threads": torch.get_num_threads(), **facts})

    def keep(weights: Weights, metrics: Mapping[str, float]) -> None:
        measures = {name: round(metrics[name], 4) for name in ("dev_error", "dev_wer", "dev_loss") if name in metrics}
        write_acoustic(run.model, options, tokenizer, weights, {"name": experiment.experiment, "measures": measures, **facts})

    checkpoints = Checkpoints(run, o.keep_best, o.checkpoint_every_s, keep)
    callbacks: list[pl.Callback] = [StepSeed(experiment.seed), ResumePoint(data), Recorder(run), BlankMonitor()]
    if o.average == "ema":
        callbacks.append(WeightAverage(o.ema_decay))
    if o.early_stopping:
        callbacks.append(EarlyStopping("dev_error", patience=o.early_stopping, mode="min", check_finite=False))
    if progress:
        callbacks.append(ProgressBar())
    callbacks.append(checkpoints)
    trainer = make_trainer(o, callbacks)
    logger.info(
        "%d utterances to train on, %d for dev, %d tokens, %.1f M weights, %.0f frames/s, %s, padding %.1f %%",
        len(module.train_items), len(module.dev_items), len(tokenizer), sum(p.numel() for p in model.parameters()) / 1e6,
        1 / model.frame_shift, trainer.precision, 100 * data.padding(),
    )  # fmt: skip
    try:
        with warnings.catch_warnings():
            _quiet_lightning()
            trainer.fit(module, data, ckpt_path=run.checkpoints / LAST if resume else None, weights_only=True)
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(module, data) from error
    if o.average == "best" and trainer.is_global_zero:
        _keep_best_average(trainer, module, data, checkpoints, keep)
    if not trainer.is_global_zero:
        return
    run.write_run({"seconds": round(time.time() - started, 1), "epochs": trainer.current_epoch, "steps": trainer.global_step})
    best = checkpoints.best[0] if checkpoints.best else None
    logger.info("done: %s%s", run.model, f", dev error {best[0]:.2f} %" if best else "")


def make_trainer(o: TrainerOptions, callbacks: list[pl.Callback], **more: Any) -> pl.Trainer:
    """A Lightning trainer that logs and saves through our own callbacks only."""
    several = o.devices not in ("1", "auto") or o.num_nodes > 1
    return pl.Trainer(
        accelerator="gpu" if o.accelerator == "cuda" else o.accelerator,
        devices="auto" if o.devices == "auto" else int(o.devices),
        num_nodes=o.num_nodes,
        strategy="ddp" if several else "auto",
        precision=pick_precision(o),
        max_epochs=o.max_epochs,
        accumulate_grad_batches=o.accumulate,
        check_val_every_n_epoch=o.validate_every,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO(), *([] if several else [LightningEnvironment()])],
        **more,
    )


def pick_precision(o: TrainerOptions) -> Any:
    """Lightning's name of the precision; auto: bf16 where the device multiplies in it.

    Raises:
        UsageError: fp16 without a GPU.
    """
    cuda = o.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if o.precision == "fp16" and not cuda:
        raise UsageError("trainer.precision=fp16 needs a CUDA GPU", "use bf16 or 32 on a CPU")
    if o.precision == "auto":
        able = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else cpu_has_bf16() and o.accelerator != "mps"
        return "bf16-mixed" if able else "32-true"
    return {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[o.precision]


def cpu_has_bf16() -> bool:
    """Whether this CPU has bf16 instructions (AVX-512 BF16 or AMX); without them bf16 is emulated and slow."""
    return any(bool(check()) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported") if (check := getattr(torch.cpu, name, None)))


def _seed(seed: int, *purpose: int | str) -> None:
    torch.manual_seed(int(generator(seed, "torch", *purpose).integers(2**63)))


class StepSeed(pl.Callback):
    """Dropout as a function of (seed, epoch, batch, rank): a resumed run draws what an unbroken one would."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed torch for this step."""
        _seed(self.seed, "step", trainer.current_epoch, batch_idx, trainer.global_rank)


class ResumePoint(pl.Callback):
    """Stores how many batches of the epoch are done, and tells the data module when resuming."""

    def __init__(self, data: SpeechData) -> None:
        self.data = data
        self.done = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Nothing is done yet."""
        self.done = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """One more batch is done."""
        self.done = batch_idx + 1

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Into the checkpoint."""
        checkpoint["batches_done"] = {"epoch": trainer.current_epoch, "batches": self.done}

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Out of it."""
        self.data.resume_epoch = checkpoint["batches_done"]["epoch"]
        self.data.resume_batch = self.done = checkpoint["batches_done"]["batches"]


def _start_from(path: Path, model: AcousticModel) -> list[str]:
    """Copy the weights of another model that fit by name and shape; name the rest."""
    other = read_acoustic(path)
    mine = model.state_dict()
    same_tokens = other.tokenizer.tokens == model.head.vocabulary
    taken, left = {}, []
    for name, tensor in mine.items():
        theirs = other.weights.get(name)
        fits = theirs is not None and theirs.shape == tensor.shape and (same_tokens or not name.startswith("head."))
        if fits:
            taken[name] = theirs
        else:
            left.append(name)
    if not any(name.startswith("encoder.") for name in taken):
        raise DataError(f"{path}: none of its weights fits this model", "choose the model.* and features.* options it was trained with")
    model.load_state_dict({**mine, **taken})
    logger.info("init=%s: %d of %d weights taken%s", path, len(taken), len(mine), f"; begun anew: {', '.join(left)}" if left else "")
    return [other.id]


def _keep_best_average(trainer: pl.Trainer, module: RecognizerModule, data: SpeechData, checkpoints: Checkpoints, keep: Any) -> None:
    """Validate the mean of the best checkpoints; it replaces the best single one where dev says so."""
    average = checkpoints.best_average()
    if average is None:
        return
    module.model.load_state_dict(average)
    with warnings.catch_warnings():
        _quiet_lightning()
        trainer.validate(module, data, verbose=False)
    metrics = module.validation.metrics()
    single = checkpoints.best[0][0]
    if metrics["dev_error"] <= single:
        keep(average, metrics)
    logger.info("mean of the best %d: dev error %.2f %% (best single %.2f %%)", len(checkpoints.best), metrics["dev_error"], single)


def _out_of_memory(module: RecognizerModule, data: SpeechData) -> DataError:
    items = module.train_items
    batch = module.last_batch
    indices = batch.indices.tolist() if batch is not None else []
    frames = dict(zip(indices, batch.lengths.tolist(), strict=True)) if batch is not None else {}
    longest = sorted(indices, key=lambda i: -frames[i])[:5]
    seconds = max(frames.values(), default=0) * len(indices) * data.model_options.features.frontend.hop_ms / 1000
    named = ", ".join(items[i].clip.id for i in longest)
    return DataError(
        f"out of memory in a batch of {len(indices)} utterances, {seconds:.0f} s with padding; the longest: {named}",
        f"try data.batch_s={max(seconds / 2, 1):.0f}, or data.max_duration_s lower to leave such utterances out",
    )


def _quiet_lightning() -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    # Advice about worker counts and unused options that does not hold for batches made from a cache.
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
    warnings.filterwarnings("ignore", message=r".*lr_scheduler\.step\(\).*before.*optimizer\.step\(\).*")


__all__ = ["make_trainer", "resume", "to_plain", "train"]
