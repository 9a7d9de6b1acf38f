"""Curves as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechrnn.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one curve, and how far up and down each may lie, where that is known."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


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
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "report", "a drawing") from None
    from speechrnn.atomic import atomic_path

    styles = ("-", "--", ":", "-.")
    with mpl.rc_context(
        {"svg.hashsalt": "speechrnn", "svg.fonttype": "none", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3}
    ):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
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
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": "speechrnn"})
