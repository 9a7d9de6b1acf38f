"""How a model is trained, and the whole of an experiment's configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from speechrnn.data.options import DataOptions
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import UsageError, nearest
from speechrnn.features.frontend import FeatureOptions
from speechrnn.models.ctc import CtcOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.heads import HeadOptions
from speechrnn.rundir import RunOptions
from speechrnn.text.normalize import TextOptions

PRECISIONS = ("auto", "32", "bf16", "fp16")
SCHEDULES = ("one_cycle", "plateau", "constant")
AVERAGES = ("ema", "best", "none")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda")


@dataclass(frozen=True)
class TrainerOptions:
    """``trainer:``."""

    max_epochs: int = 60
    """Passes over the training data."""
    accelerator: str = "auto"
    """auto, cpu or gpu (CUDA)."""
    devices: str = "1"
    """A number of devices, or auto."""
    num_nodes: int = 1
    """Machines."""
    precision: str = "auto"
    """32, bf16 or fp16 (mixed); auto: bf16 where the device has it, otherwise 32."""
    learning_rate: float = 2e-3
    """Peak of the one-cycle schedule, start of the others (AdamW)."""
    weight_decay: float = 1e-2
    """AdamW's decoupled weight decay."""
    schedule: str = "one_cycle"
    """one_cycle: up, then down to 0 by the last step; plateau: reduced when dev stops improving; constant."""
    warmup_share: float = 0.3
    """one_cycle: share of the steps on the way up."""
    plateau_patience: int = 3
    """plateau: validations without a better dev error before the rate is reduced."""
    plateau_factor: float = 0.5
    """plateau: what the rate is multiplied with."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; a larger one is scaled down to it (Pascanu et al. 2013): against exploding gradients, nearly
    always worth it. 0 switches it off."""
    gradient_clip_value: float = 0.0
    """Largest value of any part of the gradient, applied before the norm: where single weights explode. 0 switches it off."""
    accumulate: int = 1
    """Batches whose gradients are added up before a step."""
    early_stopping: int = 0
    """Stop after so many validations without a better dev error; 0 never."""
    keep_best: int = 3
    """Checkpoints kept, by dev error."""
    average: str = "ema"
    """ema: exponential average of the weights, the one that is validated and kept; best: mean of the best checkpoints; none."""
    ema_decay: float = 0.999
    """How much of the average stays at each step."""
    checkpoint_every_s: float = 300.0
    """Seconds between checkpoints within an epoch; one is written at each epoch's end in any case."""
    validate_every: int = 1
    """Epochs between validations."""
    nonfinite_patience: int = 20
    """Steps in a row with a loss or gradient that is not finite before training stops; each leaves the weights as they are."""
    diagnose: bool = False
    """After each validation, measure how far back gradients reach, layer by layer: gradients.csv and gradients.svg in the run, and
    words where they vanish or explode."""
    overfit_batches: int = 0
    """Train and validate on so many batches only, without augmentation: can the model learn them by heart?"""
    threads: int = 0
    """CPU threads; 0 leaves torch's own choice (OMP_NUM_THREADS)."""

    def __post_init__(self) -> None:
        for name, known in (
            ("precision", PRECISIONS),
            ("schedule", SCHEDULES),
            ("average", AVERAGES),
            ("accelerator", ACCELERATORS),
        ):
            value = getattr(self, name)
            if value not in known:
                raise UsageError(f"trainer.{name} is {value!r}", nearest(value, known))
        for name in ("max_epochs", "num_nodes", "accumulate", "keep_best", "validate_every", "nonfinite_patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"trainer.{name} is {getattr(self, name)}", "at least 1")
        if self.validate_every > self.max_epochs:
            raise UsageError(
                f"trainer.validate_every is {self.validate_every}, trainer.max_epochs {self.max_epochs}: no model would be kept",
                "validate at least once: the best model on dev is the one that is kept",
            )
        if self.devices != "auto" and not (self.devices.isdigit() and int(self.devices) > 0):
            raise UsageError(f"trainer.devices is {self.devices!r}", "a number from 1, or auto")
        if not 0 < self.learning_rate < 10 or not 0 < self.warmup_share < 1 or not 0 < self.ema_decay < 1:
            raise UsageError(
                "trainer.learning_rate, trainer.warmup_share or trainer.ema_decay is out of range", "2e-3, 0.3 and 0.999 are usual"
            )
        if not 0 < self.plateau_factor < 1 or not self.checkpoint_every_s > 0:
            raise UsageError("trainer.plateau_factor or trainer.checkpoint_every_s is out of range", "0.5 and 300 are usual")
        for name in (
            "gradient_clip",
            "gradient_clip_value",
            "early_stopping",
            "overfit_batches",
            "threads",
            "weight_decay",
            "plateau_patience",
        ):
            if not getattr(self, name) >= 0:
                raise UsageError(f"trainer.{name} is {getattr(self, name)}", "0 switches it off")


@dataclass(frozen=True)
class Experiment:
    """Everything ``speechrnn train`` is told."""

    experiment: str = "base"
    """Name, or path of the file it came from."""
    seed: int = 1
    """Of initial weights, order, augmentation and dropout."""
    init: Path | None = None
    """A model to start from: weights that fit are taken, the rest is named."""
    sampling_rate: int | None = None
    """Hz; null: the training data's."""
    run: RunOptions = field(default_factory=RunOptions)
    data: DataOptions = field(default_factory=DataOptions)
    features: FeatureOptions = field(default_factory=FeatureOptions)
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: HeadOptions = field(default_factory=CtcOptions)
    text: TextOptions = field(default_factory=TextOptions)
    trainer: TrainerOptions = field(default_factory=TrainerOptions)
    decoding: DecodingOptions = field(default_factory=DecodingOptions)
