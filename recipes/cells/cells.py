"""Cells at equal parameter count: units for each, and the table and picture of what they reached.

``cells.py units EXPERIMENT CELL`` prints hidden units by which the encoder has about the parameters that the experiment's own
has; ``cells.py table RUNS`` writes the table of ``README.md``, ``results/cells.json`` and ``results/cells.svg`` from the runs
``RUNS/CORPUS/CELL-SEED``.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from speechrnn.config import build, compose
from speechrnn.features.frontend import build_frontend
from speechrnn.models.cells.registry import CELLS
from speechrnn.models.encoder import Encoder, EncoderOptions
from speechrnn.training.options import Experiment

HERE = Path(__file__).parent


def units(name: str, cell: str) -> int:
    """Hidden units; both directions stay."""
    experiment = build(Experiment, compose([f"experiment={name}", "data.dir=data", "sampling_rate=8000"]))
    features = build_frontend(experiment.features.frontend, 8000).size

    def size(options: EncoderOptions) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in Encoder(options, features).parameters())

    def of(hidden: int) -> EncoderOptions:
        factor = experiment.model.factor or 2
        return build(EncoderOptions, {**vars(experiment.model), "factor": factor, "cell": cell, "hidden": hidden})

    wanted = size(of_experiment(experiment))
    low, high = 8, 4096
    # Parameters grow with units.
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if size(of(middle)) < wanted else (low, middle)
    return min((low - 1, low), key=lambda hidden: abs(size(of(hidden)) - wanted))


def of_experiment(experiment: Experiment) -> EncoderOptions:
    """Its encoder, the frame rate settled."""
    return build(EncoderOptions, {**vars(experiment.model), "factor": experiment.model.factor or 2})


def rows(runs: Path) -> list[dict[str, Any]]:
    """A row a corpus and cell, over its seeds."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for scores in sorted(runs.glob("*/*/evaluation/scores.json")):
        run = scores.parent.parent
        cell, _, _ = run.name.rpartition("-")
        (system,) = json.loads(scores.read_text(encoding="utf-8"))["systems"]
        rate = next(system[name] for name in ("error", "wer", "per") if name in system)
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        with (run / "metrics.csv").open(encoding="utf-8") as stream:
            epochs = max(int(row["epoch"]) for row in csv.DictReader(stream))
        found.setdefault((run.parent.name, cell), []).append(
            {
                "percent": rate["percent"],
                "low": rate["low"],
                "high": rate["high"],
                "epoch_cpu_s": record["cpu_seconds"] / epochs,
                "real_time": system["real_time_factor"],
                "weights": system["facts"]["parameters"],
            }
        )
    table = []
    for (corpus, cell), seeds in found.items():
        middle = statistics.median_low(one["percent"] for one in seeds)
        median = next(one for one in seeds if one["percent"] == middle)
        spread = [min(one["percent"] for one in seeds), max(one["percent"] for one in seeds)]
        table.append({"corpus": corpus, "cell": cell, "runs": len(seeds), "range": spread, **median})
    order = list(CELLS)
    return sorted(table, key=lambda row: (row["corpus"], order.index(row["cell"])))


def table(runs: Path) -> None:
    """Write what the runs reached."""
    from speechrnn.plots import Curve, plot
    from speechrnn.reports.tables import rewrite

    found = rows(runs)
    out = HERE / "results"
    out.mkdir(parents=True, exist_ok=True)
    (out / "cells.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    lines = [
        "| corpus | cell | error % | range, runs | 95 % interval | CPU s / epoch | x real time | weights |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        low, high = row["range"]
        cells = [
            row["corpus"],
            f"`{row['cell']}`",
            f"**{row['percent']:.2f}**",
            f"{low:.2f} - {high:.2f}, {row['runs']}",
            f"{row['low']:.2f} - {row['high']:.2f}",
            f"{row['epoch_cpu_s']:.1f}",
            f"{row['real_time']:.4f}",
            f"{row['weights'] / 1e6:.2f} M",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    readme = HERE / "README.md"
    block = "\n".join([*lines, "", "![Error by cell](results/cells.svg)", ""])
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), block), encoding="utf-8")
    names = [cell for cell in CELLS if any(row["cell"] == cell for row in found)]
    curves = {}
    for corpus in dict.fromkeys(row["corpus"] for row in found):
        own = {row["cell"]: row for row in found if row["corpus"] == corpus}
        there = [i for i, cell in enumerate(names) if cell in own]
        values = [own[names[i]] for i in there]
        curves[corpus] = Curve(there, [v["percent"] for v in values], [v["low"] for v in values], [v["high"] for v in values])
    plot(out / "cells.svg", curves, title="Error by cell at equal parameters", x_label=", ".join(names), y_label="%")


def main(arguments: list[str]) -> int:
    """See the docstring of the file."""
    if len(arguments) == 3 and arguments[0] == "units":
        print(units(*arguments[1:]))
    elif len(arguments) == 2 and arguments[0] == "table":
        table(Path(arguments[1]))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
