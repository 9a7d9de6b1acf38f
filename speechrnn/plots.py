"""Curves and charts as SVG files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speechrnn.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one curve, and how far up and down each may lie, where that is known."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Shares (R, C) of rows and columns, 0 to 1, nan where there is none, and what is written into each field."""

    columns: Sequence[str]
    shares: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]


@contextmanager
def _drawn(path: Path, width: float, height: float, grid: float) -> Iterator[Figure]:
    """A figure of some inches that becomes the SVG file ``path``; lines behind what is drawn are as dark as ``grid`` says."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "report", "a drawing") from None
    from speechrnn.atomic import atomic_path

    with mpl.rc_context(
        {"svg.hashsalt": "speechrnn", "svg.fonttype": "none", "font.size": 10, "axes.grid": grid > 0, "grid.alpha": grid}
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": "speechrnn"})


def plot(
    path: Path,
    curves: Mapping[str, Curve],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    names: Sequence[str] = (),
) -> None:
    """Draw curves by name; the same bytes for the same figures.

    Args:
        path: the SVG file.
        curves: by name.
        title, x_label, y_label: what stands beside.
        log_x, log_y: logarithmic axes.
        names: what x = 0, 1, … stand for, where these are no numbers: points with bars are drawn then, and no lines.

    Raises:
        MissingExtra: without the extra ``report``.
    """
    styles = ("-", "--", ":", "-.")
    with _drawn(path, 7, 4.2, grid=0.3) as figure:
        axes = figure.subplots()
        for number, (name, curve) in enumerate(curves.items()):
            # Color alone would not tell ten curves apart, nor any to everybody.
            marker, style = "osv^D"[number % 5], styles[number // 10 % len(styles)]
            if names:
                beside = [x + 0.15 * (number - (len(curves) - 1) / 2) for x in curve.x]
                bars = [[y - low for y, low in zip(curve.y, curve.low, strict=True)],
                        [high - y for y, high in zip(curve.y, curve.high, strict=True)]] if curve.low else None  # fmt: skip
                axes.errorbar(beside, curve.y, bars, fmt=marker, ms=5, lw=1.2, label=name)
                continue
            (line,) = axes.plot(curve.x, curve.y, style, marker=marker, ms=3, label=name)
            if curve.low:
                axes.fill_between(curve.x, curve.low, curve.high, color=line.get_color(), alpha=0.12, lw=0)
        axes.set(title=title, xlabel=x_label, ylabel=y_label)
        if names:
            axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
        if log_x:
            axes.set_xscale("log")
        if log_y:
            axes.set_yscale("log")
        if len(curves) > 1:
            figure.legend(loc="outside right upper", fontsize=8)


def chart(path: Path, charts: Mapping[str, Chart], rows: Sequence[str], *, title: str, x_label: str) -> None:
    """Draw shares as colours with figures in them, charts of the same rows side by side; the same bytes for the same figures.

    Args:
        path: the SVG file.
        charts: by name.
        rows: their names, from above.
        title, x_label: what stands above and below.

    Raises:
        MissingExtra: without the extra ``report``.
    """
    widths = [len(one.columns) for one in charts.values()]
    with _drawn(path, 1.6 + 0.55 * sum(widths), 1.1 + 0.27 * len(rows), grid=0) as figure:
        figure.suptitle(title, fontsize=10)
        figure.supxlabel(x_label, fontsize=10)
        panels = figure.subplots(1, len(charts), squeeze=False, sharey=True, width_ratios=widths)[0]
        for axes, (name, one) in zip(panels, charts.items(), strict=True):
            axes.pcolormesh(one.shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", lw=1.5)
            for row, (shares, texts) in enumerate(zip(one.shares, one.texts, strict=True)):
                for column, (share, text) in enumerate(zip(shares, texts, strict=True)):
                    # Numbers for whom blues are alike; light on what is dark.
                    color = "0.4" if math.isnan(share) else "white" if share > 0.55 else "black"
                    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=color, fontsize=9)
            axes.set_title(name, fontsize=10)
            axes.set_xticks([column + 0.5 for column in range(len(one.columns))], one.columns)
            axes.set_yticks([row + 0.5 for row in range(len(rows))], rows)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        panels[0].invert_yaxis()
