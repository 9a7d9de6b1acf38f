"""The Lightning trainer, set up so that logs and checkpoints are ours alone."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.utilities.warnings import PossibleUserWarning

from speechrnn.errors import UsageError
from speechrnn.training.checkpoints import AtomicCheckpointIO
from speechrnn.training.options import TrainerOptions


def make_trainer(o: TrainerOptions, callbacks: list[pl.Callback], **more: Any) -> pl.Trainer:
    """A Lightning trainer that logs and saves through our own callbacks only."""
    several = o.devices not in ("1", "auto") or o.num_nodes > 1
    return pl.Trainer(
        accelerator=pick_accelerator(o),
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


def pick_accelerator(o: TrainerOptions) -> str:
    """Lightning's name of the accelerator; auto: a CUDA GPU where there is one, otherwise the CPU (MPS lacks the CTC loss).

    Raises:
        UsageError: GPUs that are not there.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if o.accelerator == "cpu" or (o.accelerator == "auto" and not there):
        return "cpu"
    wanted = 1 if o.devices == "auto" else int(o.devices)
    if wanted > there:
        raise UsageError(
            f"trainer.accelerator={o.accelerator} trainer.devices={o.devices}: torch finds {there} CUDA GPUs",
            "speechrnn doctor shows what torch finds; trainer.accelerator=cpu works everywhere",
        )
    return "gpu"


def pick_precision(o: TrainerOptions) -> Any:
    """Lightning's name of the precision; auto: bf16 where the device multiplies in it.

    Raises:
        UsageError: fp16 without a GPU; bf16 on a CPU that cannot.
    """
    cuda = o.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if o.precision == "fp16" and not cuda:
        raise UsageError("trainer.precision=fp16 needs a CUDA GPU", "use bf16 or 32 on a CPU")
    if o.precision == "bf16" and not cuda and not cpu_runs_bf16():
        raise UsageError("trainer.precision=bf16: this CPU's recurrent layers need AVX-512 for it", "use 32, or auto")
    if o.precision == "auto":
        able = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else cpu_has_bf16()
        return "bf16-mixed" if able else "32-true"
    return {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[o.precision]


def cpu_has_bf16() -> bool:
    """Whether this CPU has bf16 instructions (AVX-512 BF16 or AMX); without them bf16 is emulated and slow."""
    return any(
        bool(check())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        if (check := getattr(torch.cpu, name, None))
    )


def cpu_runs_bf16() -> bool:
    """Whether torch has recurrent layers in bf16 for this CPU, fast or not."""
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            torch.nn.LSTM(8, 8)(torch.zeros(2, 1, 8))
    except RuntimeError:
        return False
    return True


def first_process() -> bool:
    """Whether this is the process that writes: the only one, or the first of several, as launchers tell by environment."""
    for name in ("RANK", "SLURM_PROCID"):
        if name in os.environ:
            return os.environ[name] == "0"
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Without Lightning's notes and its advice that does not hold here; its warnings come through."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Workers hardly matter where batches are made from a cache, and start anew each epoch; our sampler goes on where it was.
        warnings.filterwarnings("ignore", category=PossibleUserWarning)
        warnings.filterwarnings("ignore", message=".*(persistent_workers|dataloader is not resumable).*")
        # A step without a finite gradient, or scaled down by fp16, is no step of the optimizer.
        warnings.filterwarnings("ignore", message=r".*lr_scheduler\.step\(\).*before.*optimizer\.step\(\).*")
        # Lightning's own calls of what other libraries will drop.
        for category in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", category=category, module="(pytorch_lightning|lightning_fabric).*")
        yield
