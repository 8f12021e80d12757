"""Time and memory against size as a picture: the same numbers give the same bytes, and it can be read in grey."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from models.benchmarks.benchmark import Results, Run
from models.benchmarks.methods import KRING, METHODS
from models.benchmarks.targets import MIB, SECONDS

LOOKS: Final = (("o", "-", "0"), ("s", "--", "0.25"), ("^", "-.", "0.4"), ("D", ":", "0.55"))
"""Marker, line and grey of each method: any two differ in all three."""
SIZE: Final = (9.0, 4.2)
"""Inches."""


def plot(results: Results) -> bytes:
    """An SVG of two panels. Who was stopped ends where it was measured last."""
    # without a salt of one's own, ids are drawn anew each time
    with mpl.rc_context(
        {"svg.hashsalt": "kring", "svg.fonttype": "none", "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=SIZE, layout="constrained")
        time, memory = figure.subplots(1, 2)
        _panel(time, results, lambda run: run.seconds, "seconds")
        _panel(memory, results, lambda run: run.peak_mib, "MiB")
        measured = [pool.size for pool in results.pools]
        wanted = [(size, most) for size, most in SECONDS.items() if size in measured]
        if wanted:
            time.plot(
                *zip(*wanted, strict=True), marker="_", markersize=18, color="0", linestyle="", label="target: at most"
            )
        memory.axhline(MIB, color="0", linewidth=0.8)
        memory.annotate("target: at most", (min(measured), MIB), (0, 3), textcoords="offset points", fontsize=8)
        figure.legend(*time.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
        written = BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Title": "Time and memory of matching"})
    return written.getvalue()


def _panel(axes: Axes, results: Results, value: Callable[[Run], float | None], unit: str) -> None:
    for at, method in enumerate(results.methods):
        marker, line, grey = LOOKS[at % len(LOOKS)]
        points = [(run.size, found) for run in results.of(method) if (found := value(run)) is not None]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                marker=marker,
                linestyle=line,
                color=grey,
                linewidth=2.4 if method == KRING else 1.4,
                label=METHODS[method].title,
            )
    axes.set(xscale="log", yscale="log", xlabel="needs", ylabel=unit)
    axes.set_xticks([pool.size for pool in results.pools])
    axes.xaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,g}"))
    axes.grid(visible=True, axis="y", color="0.88", linewidth=0.6)
    axes.set_axisbelow(True)
