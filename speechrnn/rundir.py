"""Run directories: where a training keeps its configuration, logs, checkpoints and model."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import math
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speechrnn import __version__, atomic
from speechrnn.errors import DataError, UsageError, typed

CONFIG, RUN, METRICS, LOG = "config.yaml", "run.json", "metrics.csv", "train.log"


@dataclass(frozen=True)
class RunOptions:
    """``run:``."""

    dir: Path | None = None
    """Where the run is kept; null: runs/<experiment>/<time>."""


class RunDir:
    """Paths of a run directory and what is written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"

    @classmethod
    def create(cls, given: Path | None, experiment: str, *, resumable: bool = True) -> RunDir:
        """A new run directory, ``given`` or ``runs/<experiment>/<time>``.

        Args:
            given: where; it may be an empty folder.
            experiment: its name, or the path of its file.
            resumable: whether a run that is there already could be gone on with.

        Raises:
            UsageError: the directory holds a run already.
        """
        name = Path(experiment).stem if experiment.endswith((".yaml", ".yml")) else experiment
        path = given or Path("runs") / name / datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        if (path / CONFIG).exists():
            instead = f"go on with it by --resume {typed(path)}" if resumable else "remove the folder to train again"
            raise UsageError(f"{path}: holds a run already", f"{instead}, or choose another run.dir")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{path}: cannot be made: {error.strerror}", "choose another run.dir") from None
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """An existing run directory.

        Raises:
            DataError: it holds no run.
        """
        if not (path / CONFIG).is_file():
            raise DataError(f"{path}: no run in it ({CONFIG} is missing)", "give the run.dir of an earlier training")
        return cls(path)

    @property
    def begun(self) -> bool:
        """Whether its configuration stands: from then on there is something to go on with."""
        return (self.path / CONFIG).is_file()

    def discard(self) -> None:
        """Take away what a run has left that ended before it began: its log, and its folder."""
        for name in (LOG, RUN):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def write_config(self, yaml_text: str) -> None:
        """Keep the complete configuration."""
        atomic.write_text(self.path / CONFIG, yaml_text)

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """``run.json``: what the run was made with; earlier facts are kept where not given anew."""
        atomic.write_text(self.path / RUN, json.dumps({**self.read_run(), **facts}, ensure_ascii=False, indent=2) + "\n")

    def read_run(self) -> dict[str, Any]:
        """What ``run.json`` holds so far."""
        file = self.path / RUN
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


class LogFile(logging.FileHandler):
    """``train.log``: what the package's log says, with times. On a full disk lines are lost, not the training."""

    def __init__(self, run: RunDir) -> None:
        super().__init__(run.path / LOG, encoding="utf-8")
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Nothing; the default is a traceback for each line."""

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            super().close()


class MetricsFile:
    """``metrics.csv``: a row a step and a row a validation, appended as they come.

    Lightning's own CSV logger rewrites or deletes what an earlier run left; this one only cuts back to the checkpoint.
    """

    COLUMNS = ("epoch", "step", "loss", "gradient_norm", "learning_rate", "dev_loss", "dev_error", "dev_wer", "dev_blank")

    def __init__(self, path: Path, keep: int | None = None) -> None:
        self.path = path
        self.rows = keep or 0
        if keep is None or not path.is_file():
            atomic.write_text(path, ",".join(self.COLUMNS) + "\n")
        else:
            self._cut(keep)
        self._file = path.open("a", encoding="utf-8", newline="\n")

    def _cut(self, keep: int) -> None:
        """Keep the first rows only: what came after the checkpoint is done again."""
        lines = self.path.read_text(encoding="utf-8").split("\n")
        atomic.write_text(self.path, "\n".join(lines[: keep + 1]) + "\n")

    def append(self, **values: float) -> None:
        """Add a row; eight significant digits of a number, nothing where there is none.

        Raises:
            DataError: the disk is full.
        """
        cells = (values.get(name) for name in self.COLUMNS)
        try:
            self._file.write(",".join("" if v is None or math.isnan(v) else f"{v:.8g}" for v in cells) + "\n")
            self._file.flush()
        except OSError as error:
            raise DataError(
                f"{self.path}: could not be written: {error.strerror}", "free some space, then go on by --resume"
            ) from None
        self.rows += 1

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._file.close()


def machine() -> dict[str, Any]:
    """What this computer is, without its name: for ``run.json`` and result tables."""
    return {"system": platform.system(), "processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of what a result depends on; nothing is imported for it."""
    from importlib import metadata

    found = {"speechrnn": __version__}
    for name in ("torch", "torchaudio", "pytorch-lightning", "numpy", "lhotse", "soundfile", "soxr", "numba", "safetensors"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
