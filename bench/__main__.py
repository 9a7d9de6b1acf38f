"""``make bench``: every promise about speed as a ratio measured in this run; exit status 1 where one is broken."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cells import cells
from bench.decoding import decoding
from bench.long_audio import long_audio
from bench.padding import padding
from bench.startup import help_text, one_file
from bench.training import training_step
from bench.transducer import transducer
from speechrnn.cli.console import table
from speechrnn.rundir import machine, versions

ALL = {
    "help": help_text,
    "transcribe": one_file,
    "padding": padding,
    "decoding": decoding,
    "cells": cells,
    "long": long_audio,
    "training": training_step,
    "transducer": transducer,
}


def main(chosen: Sequence[str]) -> int:
    """Run the benchmarks named, or all."""
    ratios = [ratio for name in chosen or ALL for ratio in ALL[name]()]
    rows = [
        [r.name, f"{r.ours:.3f}", f"{r.yardstick:.3f}", f"{r.value:.2f}", f"{r.bound:g}", "yes" if r.value <= r.bound else "NO"]
        for r in ratios
    ]
    print(table(rows, ["measured", "ours (s)", "yardstick (s)", "ratio", "promised", "kept"]))
    facts = {"date": datetime.date.today().isoformat(), "machine": machine(), "versions": versions()}
    record = {**facts, "ratios": [{"name": r.name, "ratio": round(r.value, 3), "promised": r.bound} for r in ratios]}
    if not chosen:
        Path("bench/results.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if all(r.value <= r.bound for r in ratios) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}; all, then kept in bench/results.json")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in ALL:
            parser.error(f"no benchmark {name!r}: there is {', '.join(ALL)}")
    sys.exit(main(arguments.names))
