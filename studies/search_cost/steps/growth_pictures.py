"""The growth of a search step as one picture: time and memory against each factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from iac_components.visualization.colours import DARK, LIGHT, PALETTE
from iac_components.visualization.png import write_png
from studies.search_cost.steps.growth import COSTS

__all__ = ["draw_growth"]

PANEL = (2.9, 2.1)  # inches
COLUMNS = 4
SCALES = {"time": 1e3, "memory": 2**-20}
LABELS = {"time": "a step (ms)", "memory": "kept (MiB)"}

Record = Mapping[str, object]


def draw_growth(factors: Sequence[Record], out_png: str | Path) -> Path:
    """Draw a panel of time and, below it, one of memory for each factor, on logarithmic axes.

    Points are measured; the line is the power law fitted to them, and its title says by what twice
    the value multiplies the cost. Series of one factor share a panel.

    Args:
        factors: what :func:`measure_factor` returned.
        out_png: the file to write.
    """
    panels: dict[str, list[Record]] = {}
    for factor in factors:
        panels.setdefault(str(factor["factor"]), []).append(factor)
    columns = min(COLUMNS, len(panels))
    blocks = -(-len(panels) // columns)
    size = (PANEL[0] * columns, PANEL[1] * len(SCALES) * blocks)
    figure = Figure(figsize=size, facecolor="white", layout="constrained")
    axes = figure.subplots(len(SCALES) * blocks, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_visible(False)
    for place, series in enumerate(panels.values()):
        block, column = divmod(place, columns)
        for row, cost in enumerate(SCALES):
            panel = axes[len(SCALES) * block + row, column]
            panel.set_visible(True)
            _draw(panel, series, cost)
            if column == 0:
                panel.set_ylabel(LABELS[cost], fontsize=8.5)
            if row == len(SCALES) - 1:
                panel.set_xlabel(str(series[0]["title"]), fontsize=8.5)
    return write_png(figure, out_png)


def _draw(panel: Axes, series: Sequence[Record], cost: str) -> None:
    words = []
    ticks: set[int] = set()
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    highest, lowest = 0.0, np.inf
    for colour, factor in zip(PALETTE, series, strict=False):
        rows = cast(Sequence[Record], factor["rows"])
        values = np.array([cast(int, row["value"]) for row in rows])
        costs = np.array([COSTS[cost](row) for row in rows]) * SCALES[cost]
        multiplier = cast("dict[str, float]", factor["doubling_multiplies"])[cost]
        exponent = np.log2(multiplier)
        middle = np.exp(np.mean(np.log(costs) - exponent * np.log(values)))
        name = str(factor["series"])
        panel.plot(values, costs, "o", color=colour, ms=4, label=name or None)
        panel.plot(values, middle * values**exponent, color=colour, lw=1.1, alpha=0.7)
        words.append(f"×{multiplier:.2f}{f' ({name})' if name else ''}")
        ticks |= set(values.tolist())
        highest, lowest = max(highest, costs.max()), min(lowest, costs.min())
    title = f"value ×2 → {cost} {', '.join(words)}"
    panel.set_title(title, loc="left", fontsize=8.5, color=DARK)
    # Flat curves stay flat to the eye: no panel spans less than a factor of four.
    room = max(1.25, (4 * lowest / highest) ** 0.5 if highest < 4 * lowest else 1.25)
    panel.set_ylim(lowest / room, highest * room)
    shown = sorted(ticks) if len(ticks) < 6 else []
    if shown:
        panel.set_xticks(shown, labels=[f"{tick}" for tick in shown])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.tick_params(labelsize=7.5, length=2, which="both")
    panel.grid(color=LIGHT, lw=0.5)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        panel.legend(fontsize=7.5, frameon=False)
