"""Curves of a search's divergence by edge, and of the computation that its pruning saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from iac_components.search import SearchTrace
from iac_components.visualization.colours import DARK, LIGHT, PALETTE, display_name
from iac_components.visualization.curves.pruning_events import PruningEvent, pruning_events
from iac_components.visualization.png import write_png

__all__ = ["draw_divergence_curves"]

PANEL = (2.7, 2.3)  # inches
Series = NDArray[np.int64] | NDArray[np.float64]
LOWEST = 1e-6  # the axis goes no lower; a divergence of zero runs off it
MARKS = {"operations pruned": "v", "edge decided": "o", "edge removed": "X"}


def draw_divergence_curves(trace: SearchTrace, out_png: str | Path) -> Path:
    """Draw divergence, living operations and seconds against epochs.

    Above, a panel for each node (a row a level) has one line an edge on a log scale, marked where
    the edge lost operations. A line ends where one operation is left (the edge is decided, its
    divergence says no more) or none (the edge is removed). Below are the number of living
    operations over all edges, and the seconds of each epoch.
    """
    levels = sorted({edge.level for edge in trace.edges})
    nodes = sorted({edge.node for edge in trace.edges})
    inputs = list(dict.fromkeys(edge.input for edge in trace.edges))
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(inputs)}
    size = (max(PANEL[0] * len(nodes), 6.5), PANEL[1] * (len(levels) + 1) + 0.4)
    figure = Figure(figsize=size, facecolor="white", layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=[len(levels) + 0.15, 1.0])
    upper, lower = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    events = pruning_events(trace)
    panels = upper.subplots(len(levels), len(nodes), squeeze=False, sharex=True, sharey=True)
    for row, level in enumerate(levels):
        for column, node in enumerate(nodes):
            title = f"level {level}, node {node}" if len(levels) > 1 else f"node {node}"
            _style(panels[row, column], trace, title)
            _draw_node(panels[row, column], trace, (level, node), colours, events)
            panels[row, column].label_outer()
        panels[row, 0].set_ylabel("JS divergence (bits)", fontsize=9)
    panels[0, 0].set_yscale("log")
    # Set by hand, since a search shorter than the window has no divergence to scale by.
    lowest = np.min(trace.divergence, initial=0.5, where=trace.divergence > 0)
    panels[0, 0].set_ylim(max(float(lowest) / 2, LOWEST / 2), 1.2)
    upper.legend(
        handles=[
            *(Line2D([], [], color=colours[n], lw=2, label=f"{display_name(n)} →") for n in inputs),
            *(
                Line2D([], [], color=DARK, marker=mark, ls="", ms=5, label=text)
                for text, mark in MARKS.items()
            ),
        ],
        loc="outside upper left",
        ncols=max(3, int(size[0] // 1.15)),
        frameon=False,
        fontsize=8.5,
        handlelength=1.3,
        columnspacing=1.2,
    )
    living, seconds = lower.subplots(1, 2)
    _draw_total(living, trace, trace.active.sum(axis=(1, 2)), "living operations")
    living.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    _draw_total(seconds, trace, trace.seconds, "seconds per epoch")
    return write_png(figure, out_png)


def _style(panel: Axes, trace: SearchTrace, title: str) -> None:
    panel.set_title(title, loc="left", fontsize=9, color=DARK)
    panel.set_xlim(0.5, trace.epochs[-1] + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    panel.set_xlabel("epoch", fontsize=9)
    panel.tick_params(labelsize=8)
    panel.grid(color=LIGHT, lw=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_node(
    panel: Axes,
    trace: SearchTrace,
    place: tuple[int, int],
    colours: dict[str, str],
    events: Sequence[PruningEvent],
) -> None:
    for index, edge in enumerate(trace.edges):
        if (edge.level, edge.node) != place:
            continue
        colour = colours[edge.input]
        living = trace.active[:, index].sum(axis=1)
        undecided = np.concatenate([[True], living[:-1] > 1])
        drawn = np.where(undecided, np.maximum(trace.divergence[:, index], LOWEST / 10), np.nan)
        panel.plot(trace.epochs, drawn, color=colour, lw=1.3, alpha=0.9)
        known = np.flatnonzero(np.isfinite(drawn))
        for event in (event for event in events if event.edge == index):
            if event.edge_removed:
                mark = MARKS["edge removed"]
            else:
                decided = living[event.epoch - 1] == 1
                mark = MARKS["edge decided" if decided else "operations pruned"]
            # An edge that is removed may have no divergence any more: mark its last known value.
            at = known[known < event.epoch]
            if len(at):
                panel.plot(event.epoch, drawn[at[-1]], mark, color=colour, mec="white", mew=0.6)


def _draw_total(panel: Axes, trace: SearchTrace, values: Series, title: str) -> None:
    _style(panel, trace, title)
    panel.step(trace.epochs, values, where="mid", color=PALETTE[0], lw=1.6)
    panel.fill_between(trace.epochs, values, step="mid", color=PALETTE[0], alpha=0.12, lw=0)
    panel.set_ylim(0, float(np.max(values)) * 1.08 or 1.0)
