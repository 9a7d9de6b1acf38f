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
) -> None:
    """Draw curves by name; the same bytes for the same figures.

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
            (line,) = axes.plot(curve.x, curve.y, styles[number // 10 % len(styles)], marker="osv^D"[number % 5], ms=3, label=name)
            if curve.low:
                axes.fill_between(curve.x, curve.low, curve.high, color=line.get_color(), alpha=0.12, lw=0)
        axes.set(title=title, xlabel=x_label, ylabel=y_label)
        if log_x:
            axes.set_xscale("log")
        if log_y:
            axes.set_yscale("log")
        if len(curves) > 1:
            figure.legend(loc="outside right upper", fontsize=8)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": "speechrnn"})
