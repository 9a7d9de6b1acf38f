"""Which cells carry information how far: success over five seeds against lag, on two made tasks and on spoken digits.

``python recipes/memory/trials.py OUT [TASK...]`` adds what is missing to ``OUT/trials.jsonl``, a line a trial, and may be stopped
at any time; ``--draw`` only draws what is there: the picture in ``OUT`` and the table of ``README.md``.

adding (Hochreiter and Schmidhuber 1997): a sequence of pairs, a number in [0, 1] and a mark; two numbers are marked, one in either
half; their sum is asked for at the end. Learned: mean squared error under 0.01; saying 1 gives 0.167.
copy (the same; Arjovsky et al. 2016): five symbols of eight, a pause, a cue; the symbols are asked for again. Learned: 99 % right.
digit: a spoken digit (FSDD), then a pause of noise as faint as the recording's own; the digit is asked for at the end of it.
Learned: 80 % right on dev, whose recordings training has not heard.

All cells read forwards, in one layer with about as many parameters as an LSTM of 48 units. Adam, clipped to norm 1.
Up to 5 GiB of memory.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from speechrnn.models.cells.registry import CELLS
from speechrnn.models.recurrent import LayerOptions, Unidirectional

SEEDS = (1, 2, 3, 4, 5)
LAGS = {"adding": (25, 50, 100, 200, 400), "copy": (10, 25, 50, 100, 200), "digit": (25, 50, 100, 200)}
"""Frames; a digit's are 20 ms."""
STEPS = {"adding": 2000, "copy": 8000, "digit": 2000}
EVERY = 100
"""Steps between looks at whether it is learned."""
BATCH, UNITS = 50, 48
RATE = 3e-3
Batch = tuple[Tensor, Tensor]
Draw = Callable[[np.random.Generator, int], Batch]


def adding(lag: int) -> tuple[Draw, Draw]:
    def draw(rng: np.random.Generator, n: int) -> Batch:
        x = np.zeros((n, lag, 2), np.float32)
        x[..., 0] = rng.random((n, lag))
        first, second = rng.integers(0, lag // 2, n), rng.integers(lag // 2, lag, n)
        rows = np.arange(n)
        x[rows, first, 1] = x[rows, second, 1] = 1
        return torch.from_numpy(x), torch.from_numpy(x[rows, first, 0] + x[rows, second, 0])

    return draw, draw


def copy(lag: int) -> tuple[Draw, Draw]:
    def draw(rng: np.random.Generator, n: int) -> Batch:
        symbols = rng.integers(0, 8, (n, 5))
        x = np.zeros((n, 5 + lag + 5, 9), np.float32)
        np.put_along_axis(x[:, :5], symbols[..., None], 1, 2)
        x[:, 5 + lag, 8] = 1
        return torch.from_numpy(x), torch.from_numpy(symbols)

    return draw, draw


def digit(lag: int, data: Path) -> tuple[Draw, Draw]:
    from speechrnn.audio import read_clip
    from speechrnn.data.manifest import read_manifest
    from speechrnn.features.fbank import Fbank, FbankOptions

    fbank = Fbank(FbankOptions(mel_bins=24), 8000)
    sides = []
    for split in ("train", "dev"):
        utterances = read_manifest(data / f"cuts_{split}.jsonl.gz")
        names = {name: i for i, name in enumerate(sorted({u.text for u in utterances}))}
        sides.append([(read_clip(u.clip, 8000), names[u.text]) for u in utterances])

    def heard(digits: list[np.ndarray], rng: np.random.Generator) -> list[Tensor]:
        """Frames of each digit and the pause behind it, 50 a second."""
        sounds = []
        for samples in digits:
            faint = float(np.sqrt(np.partition(samples**2, len(samples) // 10)[: len(samples) // 10].mean())) + 1e-5
            pause = (faint * rng.standard_normal(160 * lag)).astype(np.float32)
            sounds.append(torch.from_numpy(np.concatenate([samples[:8000], pause])))
        padded = nn.utils.rnn.pad_sequence(sounds, batch_first=True)
        with torch.inference_mode():
            frames, lengths = fbank(padded, torch.tensor([len(sound) for sound in sounds]))
        return [(x[: n // 2 * 2].reshape(-1, 48).clone() - 8.0) / 4.0 for x, n in zip(frames, lengths.tolist(), strict=True)]

    def drawing(side: list[tuple[np.ndarray, int]]) -> Draw:
        def draw(rng: np.random.Generator, n: int) -> Batch:
            chosen = [side[i] for i in rng.choice(len(side), n, replace=n > len(side))]
            frames = heard([samples for samples, _ in chosen], rng)
            # The end counts: what is shorter begins later.
            x = torch.zeros(n, max(map(len, frames)), 48)
            for row, one in zip(x, frames, strict=True):
                row[len(row) - len(one) :] = one
            return x, torch.tensor([label for _, label in chosen])

        return draw

    return drawing(sides[0]), drawing(sides[1])


class Batches:
    """What all cells read of one task, lag and seed. It is kept: frames of digits cost more to make than a step of most cells."""

    def __init__(self, task: str, lag: int, seed: int, data: Path) -> None:
        self._draw, test = digit(lag, data) if task == "digit" else {"adding": adding, "copy": copy}[task](lag)
        self._rng = np.random.default_rng([seed, lag])
        self._drawn: list[Batch] = []
        self.inputs = self._draw(np.random.default_rng(0), 2)[0].shape[2]
        self.fresh = test(np.random.default_rng(10_000 + seed), 300)

    def __getitem__(self, step: int) -> Batch:
        while len(self._drawn) <= step:
            self._drawn.append(self._draw(self._rng, BATCH))
        return self._drawn[step]


class Reader(nn.Module):
    """A layer and a linear output at the last frames."""

    def __init__(self, cell: str, inputs: int, outputs: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.layer = Unidirectional(LayerOptions(cell, equal_units(cell, inputs)), inputs)
        self.linear = nn.Linear(self.layer.size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, frames, outputs)."""
        y, _ = self.layer(x, torch.full((len(x),), x.shape[1]))
        return self.linear(y[:, -self.frames :])


def equal_units(cell: str, inputs: int) -> int:
    """Hidden units by which a cell has about the parameters of an LSTM of 48."""

    def size(name: str, units: int) -> int:
        return sum(p.numel() for p in Unidirectional(LayerOptions(name, units), inputs).parameters())

    wanted = size("lstm", UNITS)
    # IndRNN without a matrix could be wide beyond all measure.
    return min(range(4, 513), key=lambda units: abs(size(cell, units) - wanted))


def trial(task: str, cell: str, lag: int, seed: int, data: Batches) -> dict[str, object]:
    """Train once. The score is None where the weights became no numbers."""
    torch.manual_seed(seed)
    outputs, frames = {"adding": (1, 1), "copy": (8, 5), "digit": (10, 1)}[task]
    model = Reader(cell, data.inputs, outputs, frames)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    begun, step, score = time.perf_counter(), 0, math.nan
    while step < STEPS[task]:
        x, wanted = data[step]
        loss = _loss(task, model(x), wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % EVERY == 0:
            with torch.inference_mode():
                score = _score(task, model(data.fresh[0]), data.fresh[1])
            if _learned(task, score) or not math.isfinite(score):
                break
    return {
        "task": task, "cell": cell, "lag": lag, "seed": seed, "learned": _learned(task, score),
        "score": round(score, 4) if math.isfinite(score) else None,
        "steps": step, "seconds": round(time.perf_counter() - begun, 1), "units": model.layer.size,
    }  # fmt: skip


def _loss(task: str, found: Tensor, wanted: Tensor) -> Tensor:
    if task == "adding":
        return nn.functional.mse_loss(found[:, 0, 0], wanted)
    return nn.functional.cross_entropy(found.flatten(0, 1), wanted.flatten())


def _score(task: str, found: Tensor, wanted: Tensor) -> float:
    """Squared error, or share right."""
    if task == "adding":
        return float(nn.functional.mse_loss(found[:, 0, 0], wanted))
    return float((found.argmax(-1).flatten() == wanted.flatten()).float().mean())


def _learned(task: str, score: float) -> bool:
    return {"adding": score < 0.01, "copy": score >= 0.99, "digit": score >= 0.8}[task]


def plan(tasks: list[str], done: dict[tuple[str, str, int, int], bool]) -> Iterator[tuple[str, str, int, int]]:
    """What is left, short lags first, then by what is read. A lag is not tried where no seed has learned the one before."""
    for task in tasks:
        cells = [name for name in CELLS if name != "feedforward"]
        for lag in LAGS[task]:
            for seed in SEEDS:
                yield from [(task, cell, lag, seed) for cell in cells if (task, cell, lag, seed) not in done]
            cells = [cell for cell in cells if any(done[task, cell, lag, seed] for seed in SEEDS)]


def draw(out: Path, rows: list[dict[str, object]]) -> None:
    """A picture and a table of how far each cell reaches."""
    from speechrnn.plots import Chart, chart
    from speechrnn.reports.tables import rewrite

    cells = [name for name in CELLS if name != "feedforward"]
    charts: dict[str, Chart] = {}
    reach: dict[str, list[str]] = {cell: [] for cell in cells}
    for task, lags in LAGS.items():
        shares, texts = [], []
        for cell in cells:
            tried = [[bool(r["learned"]) for r in rows if (r["task"], r["cell"], r["lag"]) == (task, cell, lag)] for lag in lags]
            # Seeds that learn a lag are not fewer at every longer one: only where none of five does is the end known.
            end = next((i for i, learned in enumerate(tried) if len(learned) == len(SEEDS) and not any(learned)), len(lags))
            shares.append([float(np.mean(learned)) if learned else math.nan for learned in tried])
            texts.append([f"{sum(learned)}/{len(learned)}" if learned else "–" * (i > end) for i, learned in enumerate(tried)])
            whole = [lag for lag, learned in zip(lags, tried, strict=True) if sum(learned) >= 3]
            least = "at least " if end == len(lags) else ""
            reach[cell].append(f"{least}{whole[-1]}" if whole else "none" if any(tried) else "not run")
        charts[task] = Chart([str(lag) for lag in lags], shares, texts)
    title = "Trials that learned, of those run; –: none had learned the lag before"
    chart(out / "reach.svg", charts, cells, title=title, x_label="lag (frames)")
    lines = ["| cell | " + " | ".join(LAGS) + " |", "| --- |" + " --- |" * len(LAGS)]
    lines += [f"| `{cell}` | {' | '.join(one)} |" for cell, one in reach.items()]
    lines += ["", "![trials that learned, by cell and lag](results/reach.svg)"]
    readme = Path(__file__).with_name("README.md")
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), "\n".join(lines) + "\n"), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(LAGS)}; all")
    parser.add_argument("--data", type=Path, default=Path("data/fsdd"))
    parser.add_argument("--draw", action="store_true")
    chosen = parser.parse_args()
    for task in chosen.tasks:
        if task not in LAGS:
            parser.error(f"no task {task!r}: there is {', '.join(LAGS)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / "trials.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
    if not chosen.draw:
        torch.set_flush_denormal(True)
        done = {(r["task"], r["cell"], r["lag"], r["seed"]): r["learned"] for r in rows}
        with file.open("a", encoding="utf-8") as stream:
            batches = functools.lru_cache(maxsize=1)(Batches)
            for one in plan(chosen.tasks or list(LAGS), done):
                task, cell, lag, seed = one
                row = trial(task, cell, lag, seed, batches(task, lag, seed, chosen.data))
                done[one] = row["learned"]
                print(json.dumps(row), file=stream, flush=True)
                print(*row.values(), flush=True)
                rows.append(row)
    draw(chosen.out, rows)


if __name__ == "__main__":
    main()
