"""Result tables in Markdown, written from ``scores.json`` files and never by hand.

``python -m speechrnn.reports.tables README.md results/*/scores.json`` rewrites what stands between
``<!-- table:begin -->`` and ``<!-- table:end -->``; without a README (``-``) the table goes to standard output.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speechrnn.atomic import write_text
from speechrnn.errors import DataError, SpeechrnnError, UsageError
from speechrnn.reports.scores import VERSION
from speechrnn.reports.summary import digits, probability
from speechrnn.scoring.units import METRICS

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"
FURTHER = (("chrF", ("translation", "chrF"), "score"), ("BLEU", ("translation", "BLEU"), "score"),
           ("macro F1 %", ("macro_f1",), "percent"), ("frames wrong %", ("frames",), "percent"),
           ("segments, F1 %", ("segments",), "f1"))  # fmt: skip
"""Figures that are no error rates of tokens: as they are called, where they stand in a system's scores, and what of it."""
WITHOUT = " without "
"""Between the name of a system and that of the part of the data it was trained without."""


def read_scores(path: Path) -> dict[str, Any]:
    """A ``scores.json``.

    Raises:
        DataError: missing, not JSON, of another kind or a newer version.
    """
    remedy = "give a scores.json as speechrnn evaluate writes it"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", remedy) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a scores.json: {error}", remedy) from None
    if not isinstance(scores, dict) or not isinstance(scores.get("version"), int) or not scores.get("systems"):
        raise DataError(f"{path}: not a scores.json: version or systems missing", remedy)
    if scores["version"] > VERSION:
        raise DataError(f"{path}: version {scores['version']} was written by a newer release", "upgrade speechrnn to read it")
    return scores


@dataclass(frozen=True, slots=True)
class _Run:
    """One system of a ``scores.json``, with the number of utterances it was scored on."""

    system: Mapping[str, Any]
    utterances: int


def markdown(scores: Sequence[Mapping[str, Any]]) -> str:
    """A table with a row for each system and rate, one of further figures where there are any, one of systems that give numbers,
    one of differences where systems were compared; below them means over left-out parts, data, date, commit and machine.

    A system that occurs in several files, trained from several seeds, gets one row: the run with the median rate (the better one of
    the middle two), and the range of all behind it. Systems named ``X without Y``, each trained without one part Y of the
    data and scored on it, are summed up in a line below the table: the mean over the parts and the worst part.
    """
    groups: dict[tuple[str, str], list[_Run]] = {}
    for record in scores:
        for system in record["systems"]:
            for metric in METRICS:
                if metric in system:
                    groups.setdefault((system["name"], metric), []).append(_Run(system, record.get("utterances", 0)))
    rows = [
        "| system | rate | % | 95 % interval | errors / of | ins, del, sub | utterances right | x real time |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(name, metric, runs) for (name, metric), runs in groups.items()),
        "",
    ]
    tables = [*(rows if groups else ()), *_further(scores), *_numbers(scores), *_pairs(scores)]
    return "\n".join([*tables, *_over_parts(groups), *_notes(scores)]) + "\n"


def _further(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of chrF, BLEU, macro F1 and figures of frames, of equal names the median as for rates; nothing without them."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for system in (system for record in scores for system in record["systems"]):
        for name, keys, part in FURTHER:
            figures = system
            for key in keys:
                figures = figures.get(key, {})
            if figures:
                found.setdefault((system["name"], name), []).append((figures[part], figures["low"], figures["high"]))
    rows = []
    for (system, name), runs in found.items():
        values = [value for value, _, _ in runs]
        value, low, high = runs[values.index(statistics.median_low(values))]
        rows.append(f"| {_cell(system)} | {name} | **{value:.2f}** ({_spread(values)}) | {low:.2f} - {high:.2f} |")
    return ["| system | figure | | 95 % interval |", "| --- | --- | --- | --- |", *rows, ""] if rows else []


def _numbers(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of estimates, a row for each system of each file; nothing where no system gives numbers."""
    rows = []
    for system in (system for record in scores for system in record["systems"] if "numbers" in system):
        found, speed = system["numbers"], system.get("real_time_factor")
        rmse, *others = (
            (f"{digits(f['value'])}", f"{digits(f['low'])} - {digits(f['high'])}") if f else ("-", "-")
            for f in (found[name] for name in ("rmse", "mae", "r", "r2"))
        )
        failed = f", {len(system['failed'])} failed" if system.get("failed") else ""
        cells = [
            f"{_cell(system['name'])}: {_cell(found['of'])}",
            f"**{rmse[0]}**",
            rmse[1],
            digits(found["rmse_of_the_mean"]),
            *(f"{value} ({bounds})" for value, bounds in others),
            f"{found['utterances']}{failed}",
            "-" if speed is None else f"{speed:.3f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    if not rows:
        return []
    header = "| system | RMSE | 95 % interval | RMSE of the mean | MAE | r | R² | utterances | x real time |"
    return [header, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |", *rows, ""]


def _pairs(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of differences, a row for each two systems that stand in one file; of several files the median difference and their
    range; nothing where no file holds two."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for record in scores:
        for pair in record.get("pairs", ()):
            groups.setdefault((pair["a"], pair["b"], pair["metric"]), []).append(pair)
    rows = []
    for (a, b, metric), pairs in groups.items():
        apart = [pair["difference"] for pair in pairs]
        pair = pairs[apart.index(statistics.median_low(apart))]
        matched = pair.get("matched_pairs") or {}
        least, most, middle, low, high = (
            digits(points, "+") if metric == "rmse" else f"{points:+.2f}"
            for points in (min(apart), max(apart), pair["difference"], pair["low"], pair["high"])
        )
        of_several = f" ({least} to {most}, {len(apart)} runs)" if len(apart) > 1 else ""
        cells = [
            f"{_cell(a)} minus {_cell(b)}",
            metric.upper(),
            f"**{middle}**{of_several}",
            f"{low} to {high}",
            probability(pair["p"]),
            f"{probability(matched['p'])} ({matched['segments']} segments)" if matched else "-",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    if not rows:
        return []
    header = "| systems | rate | points | 95 % interval | p, paired bootstrap | p, matched pairs |"
    return [header, "| --- | --- | --- | --- | --- | --- |", *rows, ""]


def _median_run(metric: str, runs: Sequence[_Run]) -> _Run:
    percents = [run.system[metric]["percent"] for run in runs]
    return runs[percents.index(statistics.median_low(percents))]


def _row(name: str, metric: str, runs: Sequence[_Run]) -> str:
    percents = [run.system[metric]["percent"] for run in runs]
    median = _median_run(metric, runs)
    system, rate = median.system, median.system[metric]
    right = system.get("utterances_right", "-")
    share = f" ({100 * right / median.utterances:.1f} %)" if median.utterances and right != "-" else ""
    failed = f", {len(system['failed'])} failed" if system.get("failed") else ""
    speed = system.get("real_time_factor")
    cells = [
        _cell(name),
        metric.upper(),
        f"**{rate['percent']:.2f}** ({_spread(percents)})",
        f"{rate['low']:.2f} - {rate['high']:.2f}",
        f"{rate['errors']} / {rate['tokens']}",
        f"{rate['insertions']}, {rate['deletions']}, {rate['substitutions']}",
        f"{right}{share}{failed}",
        "-" if speed is None else f"{speed:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float]) -> str:
    """The range of several runs."""
    return f"{min(values):.2f} - {max(values):.2f}, {len(values)} runs" if len(values) > 1 else "1 run"


def _over_parts(groups: Mapping[tuple[str, str], Sequence[_Run]]) -> list[str]:
    """A line for each X and rate of the systems ``X without Y``: mean and worst over Y, of each Y the median run."""
    parts: dict[tuple[str, str], dict[str, float]] = {}
    for (name, metric), runs in groups.items():
        whole, without, part = name.rpartition(WITHOUT)
        if without:
            parts.setdefault((whole, metric), {})[part] = _median_run(metric, runs).system[metric]["percent"]
    lines = []
    for (whole, metric), rates in parts.items():
        worst = max(rates, key=rates.__getitem__)
        mean = statistics.fmean(rates.values())
        lines += [
            f"{_cell(whole)}, each of {len(rates)} left out in turn: {metric.upper()} mean **{mean:.2f}**, "
            f"worst {rates[worst]:.2f} ({_cell(worst)}).",
            "",
        ]
    return lines


def _notes(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the figures were made on and with; one line a kind, equal values once."""

    def values(*path: str) -> str:
        found = []
        for record in scores:
            value: Any = record
            for key in path:
                value = value.get(key, "") if isinstance(value, Mapping) else ""
            if value != "":
                found.append(_cell(str(value)))
        return ", ".join(dict.fromkeys(found))

    facts = [
        ("Data", values("data", "title") or values("manifest", "path")),
        ("utterances", values("utterances")),
        ("licence", values("data", "licence")),
        ("manifest SHA-256", ", ".join(dict.fromkeys(record["manifest"]["sha256"][:12] for record in scores))),
        ("intervals over", values("resampled")),
    ]
    made = [
        ("Made", values("made", "date")),
        ("speechrnn", values("made", "speechrnn")),
        ("commit", values("made", "commit")),
        ("machine", values("made", "machine")),
        ("threads", values("made", "threads")),
    ]
    return [
        "; ".join(f"{name} {value}" for name, value in part if value) + "." for part in (facts, made) if any(v for _, v in part)
    ]


def _cell(text: str) -> str:
    """Text that cannot break a table row or start markup."""
    for character in "\\|*_`<>[]":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def rewrite(document: str, table: str) -> str:
    """The document with the table between its two markers.

    Raises:
        DataError: not exactly one marker of each kind, in this order.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise DataError(
            f"there must be one {BEGIN} and, after it, one {END}", "write both on lines of their own where the table belongs"
        )
    before, after = document.split(BEGIN)[0], document.split(END)[1]
    return f"{before}{BEGIN}\n{table}{END}{after}"


def rewrite_file(path: Path, scores: Sequence[Path]) -> None:
    """Write the table of these ``scores.json`` into a Markdown file."""
    table = markdown([read_scores(file) for file in scores])
    try:
        write_text(path, rewrite(path.read_text(encoding="utf-8"), table))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", f"make it, with the lines {BEGIN} and {END}") from None
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.remedy) from None


def main(arguments: Sequence[str]) -> int:
    """``python -m speechrnn.reports.tables README.md|- SCORES...``; returns the exit status."""
    try:
        if len(arguments) < 2:
            raise UsageError(
                "a Markdown file (or -) and one or more scores.json are needed", "python -m speechrnn.reports.tables - SCORES"
            )
        target, *files = arguments
        if target == "-":
            sys.stdout.write(markdown([read_scores(Path(file)) for file in files]))
        else:
            rewrite_file(Path(target), [Path(file) for file in files])
    except SpeechrnnError as error:
        print(f"error: {error.message}\n       {error.remedy}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
