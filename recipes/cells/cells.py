"""Cells at equal parameter count: units for each, and the table and picture of what they reached.

``cells.py units EXPERIMENT CELL`` prints hidden units by which the encoder has about the parameters that the experiment's own
has; ``cells.py keep RUN`` adds a line to ``results/CORPUS.jsonl`` for the evaluated run ``RUNS/CORPUS/CELL-SEED``, and
``cells.py kept RUN`` succeeds where there is one; ``cells.py table`` writes the table of ``README.md`` and ``results/CORPUS.svg``
from these lines.
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
RESULTS = HERE / "results"


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


def keep(run: Path) -> None:
    """Add what an evaluated run reached."""
    (system,) = json.loads((run / "evaluation" / "scores.json").read_text(encoding="utf-8"))["systems"]
    rate = next(system[name] for name in ("error", "wer", "per") if name in system)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    with (run / "metrics.csv").open(encoding="utf-8") as stream:
        epochs = max(int(row["epoch"]) for row in csv.DictReader(stream))
    cell, _, seed = run.name.rpartition("-")
    line = {
        "corpus": run.parent.name,
        "cell": cell,
        "seed": int(seed),
        **{name: rate[name] for name in ("percent", "low", "high")},
        "epochs": epochs,
        "epoch_cpu_s": round(record["cpu_seconds"] / epochs, 2),
        "real_time": system["real_time_factor"],
        "weights": system["facts"]["parameters"],
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{run.parent.name}.jsonl").open("a", encoding="utf-8") as stream:
        print(json.dumps(line), file=stream)


def lines(corpus: str = "*") -> list[dict[str, Any]]:
    """What is kept."""
    return [
        json.loads(line)
        for file in sorted(RESULTS.glob(f"{corpus}.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def kept(run: Path) -> bool:
    """Whether there is a line for this run."""
    return any(f"{line['cell']}-{line['seed']}" == run.name for line in lines(run.parent.name))


def rows() -> list[dict[str, Any]]:
    """A row a corpus and cell, over its seeds."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines():
        found.setdefault((line["corpus"], line["cell"]), []).append(line)
    table = []
    for seeds in found.values():
        middle = statistics.median_low(one["percent"] for one in seeds)
        median = next(one for one in seeds if one["percent"] == middle)
        spread = [min(one["percent"] for one in seeds), max(one["percent"] for one in seeds)]
        table.append({**median, "runs": len(seeds), "range": spread})
    order = list(CELLS)
    return sorted(table, key=lambda row: (row["corpus"], order.index(row["cell"])))


def table() -> None:
    """Write what is kept."""
    from speechrnn.plots import Curve, plot
    from speechrnn.reports.tables import rewrite

    found = rows()
    written = [
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
        written.append(f"| {' | '.join(cells)} |")
    pictures = []
    for corpus in dict.fromkeys(row["corpus"] for row in found):
        own = [row for row in found if row["corpus"] == corpus]
        curve = Curve(range(len(own)), *([row[name] for row in own] for name in ("percent", "low", "high")))
        plot(
            RESULTS / f"{corpus}.svg",
            {corpus: curve},
            title=f"{corpus}: error by cell at equal parameters",
            x_label="",
            y_label="%",
            names=[row["cell"] for row in own],
        )
        pictures.append(f"![{corpus}: error by cell](results/{corpus}.svg)")
    readme = HERE / "README.md"
    block = "\n".join([*written, "", *pictures, ""])
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), block), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """See the docstring of the file."""
    match arguments:
        case ["units", experiment, cell]:
            print(units(experiment, cell))
        case ["keep", run]:
            keep(Path(run))
        case ["kept", run]:
            return 0 if kept(Path(run)) else 1
        case ["table"]:
            table()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
