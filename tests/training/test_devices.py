"""Two processes follow the loss curve of one with the joint batch."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPT = """
import sys
from pathlib import Path
from speechrnn.config import read_yaml
from speechrnn.training.run import train
train(read_yaml(Path(sys.argv[1])))
"""


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream) if row["loss"]]


@pytest.mark.slow
def test_two_gloo_processes_follow_one(settings, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    curves = []
    for devices in ("1", "2"):
        # 24 utterances in batches of 5: the last batch of an epoch does not split evenly.
        values = settings(
            run__dir=str(tmp_path / f"devices{devices}"),
            trainer__devices=devices,
            trainer__max_epochs=4,
            data__batch_size=5,
            model__dropout=0.0,
        )
        file = tmp_path / f"{devices}.yaml"
        file.write_text(yaml.safe_dump(values))
        environment = {
            key: value for key, value in os.environ.items() if key not in ("LOCAL_RANK", "RANK", "WORLD_SIZE", "SPEECHRNN_RUN_DIR")
        }
        done = subprocess.run(
            [sys.executable, script, file], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        curves.append(losses(tmp_path / f"devices{devices}"))
    assert len(curves[0]) == len(curves[1]) >= 20
    assert max(abs(a - b) for a, b in zip(*curves, strict=True)) <= 1e-4
