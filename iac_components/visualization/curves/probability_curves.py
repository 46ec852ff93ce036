"""Probability of every operation on every edge over a search, one small panel an edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge
from iac_components.search_space import Genotype
from iac_components.visualization.cells.final_cell import chosen_operations, final_cell
from iac_components.visualization.colours import (
    DARK,
    GREY,
    LIGHT,
    display_name,
    operation_colours,
)
from iac_components.visualization.png import write_png

__all__ = ["draw_probability_curves"]

PANEL = (2.25, 1.55)  # inches
LEGEND_ENTRY = 1.45
FOOT = 0.45  # room for the label of the last x axis


def draw_probability_curves(
    trace: SearchTrace, out_png: str | Path, *, genotype: Genotype | None = None
) -> Path:
    """Draw mean softmax probability against epochs, a row a node and a column an input.

    A curve ends with a dot in the last epoch that its operation survived; a removed edge is grey
    from its removal on. The panels of the finally chosen edges are framed in the colour of the
    chosen operation, whose curve is bold.

    Args:
        trace: of a cell search.
        out_png: the picture to write.
        genotype: the cell that the search wrote; that of the last epoch if None.

    Raises:
        ValueError: if the trace is not that of a cell search, or the genotype of another space.
    """
    inputs = list(dict.fromkeys(edge.input for edge in trace.edges))
    places = sorted({(edge.level, edge.node) for edge in trace.edges})
    colours = operation_colours(trace.operations)
    cell = final_cell(trace, genotype)
    chosen = {TracedEdge(c.level, c.node, c.input): c.operation for c in chosen_operations(cell)}
    width, height = PANEL[0] * len(inputs) + 0.5, PANEL[1] * len(places)
    entries = max(1, int(width // LEGEND_ENTRY))
    head = 0.42 + 0.22 * -(-len(trace.operations) // entries)
    figure = Figure(figsize=(width, height + head + FOOT), facecolor="white")
    panels = figure.subplots(
        len(places),
        len(inputs),
        squeeze=False,
        gridspec_kw={
            "left": 0.55 / width,
            "right": 1 - 0.15 / width,
            "bottom": FOOT / (height + head + FOOT),
            "top": 1 - (head + 0.15) / (height + head + FOOT),
            "wspace": 0.22,
            "hspace": 0.42,
        },
    )
    for panel in panels.flat:
        panel.set_visible(False)
    for index, edge in enumerate(trace.edges):
        row, column = places.index((edge.level, edge.node)), inputs.index(edge.input)
        panel = panels[row, column]
        panel.set_visible(True)
        _style(panel, trace, edge, many_levels=places[-1][0] != places[0][0])
        panel.tick_params(labelleft=column == 0, labelbottom=row == len(places) - 1)
        _draw_edge(panel, trace, index, colours, chosen.get(edge))
    figure.supxlabel("epoch", fontsize=9, y=0.06 / (height + head + FOOT), va="bottom")
    figure.supylabel("mean probability", fontsize=9, x=0.06 / width, ha="left")
    figure.legend(
        handles=[
            Line2D([], [], color=colours[name], lw=2, label=display_name(name))
            for name in trace.operations
        ],
        loc="upper left",
        bbox_to_anchor=(0.3 / width, 1 - 0.02 / (height + head + FOOT)),
        ncols=entries,
        frameon=False,
        fontsize=8.5,
        handlelength=1.4,
        columnspacing=1.2,
    )
    return write_png(figure, out_png)


def _style(panel: Axes, trace: SearchTrace, edge: TracedEdge, *, many_levels: bool) -> None:
    level = f"level {edge.level}: " if many_levels else ""
    panel.set_title(
        f"{level}{display_name(edge.input)} → node {edge.node}",
        loc="left",
        fontsize=8.5,
        color=DARK,
        pad=3,
    )
    panel.set_xlim(0.5, trace.epochs[-1] + 0.5)
    panel.set_ylim(-0.04, 1.04)
    panel.set_yticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    panel.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    panel.tick_params(labelsize=7.5, length=2)
    panel.grid(color=LIGHT, lw=0.5)
    panel.set_axisbelow(True)
    panel.spines[:].set_color(GREY)


def _draw_edge(
    panel: Axes, trace: SearchTrace, index: int, colours: dict[str, str], chosen: str | None
) -> None:
    gone = np.flatnonzero(~np.any(trace.active[:, index], axis=1))
    if len(gone):
        removed = int(trace.epochs[gone[0]])
        panel.axvspan(removed, float(trace.epochs[-1]) + 0.5, color=LIGHT, lw=0)
        panel.axvline(removed, color=GREY, lw=0.8, ls="--")
    if chosen is not None:
        panel.spines[:].set_color(colours[chosen])
        panel.spines[:].set_linewidth(1.6)
    for place, name in enumerate(trace.operations):
        # Where an operation is pruned its probability is already written as 0: it is not drawn.
        alive = np.flatnonzero(trace.active[:, index, place])
        if not len(alive):
            continue
        curve = trace.probability[alive, index, place]
        bold = name == chosen
        panel.plot(
            trace.epochs[alive],
            curve,
            color=colours[name],
            lw=2.4 if bold else 1.2,
            ls=":" if name == "none" else "-",
            zorder=3 if bold else 2,
        )
        if alive[-1] + 1 < len(trace.epochs) or len(alive) == 1:
            panel.plot(trace.epochs[alive[-1]], curve[-1], "o", color=colours[name], ms=3)
