"""Probability of every path of a DiNTS search by epoch: a heat map for each block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from iac_components.dints import DintsArchitecture
from iac_components.search import SearchTrace
from iac_components.visualization.colours import DARK, LIGHT, display_name, operation_colours
from iac_components.visualization.curves.pruning_events import PruningEvent, pruning_events
from iac_components.visualization.png import write_png
from iac_components.visualization.topology.path_trace import (
    PathTrace,
    require_same_space,
    trace_paths,
)

__all__ = ["draw_path_probabilities"]

COLUMNS = 4
PANEL_WIDTH, ROW_HEIGHT, PANEL_HEAD = 2.75, 0.175, 0.55  # inches
HEAD, FOOT, LEFT, RIGHT = 0.45, 0.75, 0.75, 0.6
NARROWEST = 5.6  # room for the title
REMOVED, PRUNED = "X", "v"


def draw_path_probabilities(
    trace: SearchTrace, out_png: str | Path, *, topology: DintsArchitecture | None = None
) -> Path:
    """Draw a panel a block: a row a path, epochs to the right, the probability as colour.

    A path is grey from the epoch that removed it; a triangle marks that it lost operations. Paths
    of the chosen architecture have an arrow in the colour of their operation beside them.

    Args:
        trace: of a DiNTS search.
        out_png: the picture to write.
        topology: the architecture that was chosen.

    Raises:
        ValueError: if the trace is not that of a DiNTS search, or the architecture of another
            space.
    """
    paths = trace_paths(trace)
    require_same_space(paths, topology)
    columns = min(COLUMNS, paths.num_blocks)
    rows = -(-paths.num_blocks // columns)
    panel_height = PANEL_HEAD + ROW_HEIGHT * len(paths.paths)
    width = max(LEFT + PANEL_WIDTH * columns + RIGHT, NARROWEST)
    height = HEAD + panel_height * rows + FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    events = pruning_events(trace)
    for block in range(paths.num_blocks):
        row, column = divmod(block, columns)
        left = (LEFT + PANEL_WIDTH * column) / width
        bottom = 1 - (HEAD + panel_height * (row + 1) - 0.3) / height
        size = ((PANEL_WIDTH - 0.75) / width, ROW_HEIGHT * len(paths.paths) / height)
        panel = figure.add_axes((left, bottom, *size))
        image = _draw_block(panel, paths, block)
        _mark_prunings(panel, paths, block, events)
        _mark_chosen(panel, paths, block, topology)
        if block + columns >= paths.num_blocks:
            panel.set_xlabel("epoch", fontsize=9)
        else:
            panel.tick_params(labelbottom=False)
    bar = figure.add_axes(
        (
            (LEFT + PANEL_WIDTH * columns - 0.25) / width,
            1 - (HEAD + panel_height - 0.3) / height,
            0.14 / width,
            ROW_HEIGHT * len(paths.paths) / height,
        )
    )
    figure.colorbar(image, cax=bar).set_label("probability of the path", fontsize=9)
    bar.tick_params(labelsize=8)
    figure.text(
        0.12 / width,
        1 - 0.12 / height,
        "Probability of every path (depth → depth, 0 = finest resolution)",
        fontsize=11,
        color=DARK,
        va="top",
    )
    figure.legend(
        handles=_legend(topology),
        loc="lower left",
        bbox_to_anchor=(0.1 / width, 0.04 / height),
        ncols=max(1, int(width // 1.75)),
        frameon=False,
        fontsize=8.5,
        handletextpad=0.3,
        columnspacing=1.2,
    )
    return write_png(figure, out_png)


def _draw_block(panel: Axes, paths: PathTrace, block: int) -> AxesImage:
    shown = np.where(paths.alive[:, block], paths.probability[:, block], np.nan).T
    last = len(paths.epochs)
    image = panel.imshow(
        shown,
        cmap=colormaps["viridis"],
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, last + 0.5, len(shown) - 0.5, -0.5),
    )
    panel.set_facecolor(LIGHT)
    panel.set_title(f"block {block}", loc="left", fontsize=9, color=DARK, pad=3)
    names = [f"{source} → {target}" for source, target in paths.paths]
    panel.set_yticks(range(len(names)), labels=names)
    panel.xaxis.set_major_locator(
        MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    panel.tick_params(labelsize=7.5, length=2)
    for row in range(1, len(names)):
        if paths.paths[row][1] != paths.paths[row - 1][1]:
            panel.axhline(row - 0.5, color="white", lw=1.5)
    return image


def _mark_prunings(panel: Axes, paths: PathTrace, block: int, events: list[PruningEvent]) -> None:
    places = {int(edge): row for row, edge in enumerate(paths.rows[block])}
    for removed, mark in ((True, REMOVED), (False, PRUNED)):
        mine = [e for e in events if e.edge in places and e.edge_removed == removed]
        if mine:
            panel.plot(
                [event.epoch for event in mine],
                [places[event.edge] for event in mine],
                mark,
                color="white" if not removed else DARK,
                mec=DARK if not removed else "white",
                mew=0.6,
                ms=5,
                ls="",
            )


def _mark_chosen(
    panel: Axes, paths: PathTrace, block: int, topology: DintsArchitecture | None
) -> None:
    if topology is None:
        return
    colours = operation_colours(topology.space.operations)
    for path in topology.blocks[block]:
        panel.plot(
            1.03,
            paths.paths.index((path.source, path.target)),
            "<",
            color=colours[path.operation],
            ms=6,
            transform=panel.get_yaxis_transform(),
            clip_on=False,
        )


def _legend(topology: DintsArchitecture | None) -> list[Line2D]:
    colours = operation_colours(topology.space.operations) if topology else {}
    marks = [
        Line2D([], [], color="white", mec=DARK, marker=PRUNED, ls="", label="lost operations"),
        Line2D([], [], color=DARK, mec="white", marker=REMOVED, ls="", label="removed"),
    ]
    chosen = [path for block in topology.blocks for path in block] if topology else []
    used = {path.operation for path in chosen}
    return marks + [
        Line2D([], [], color=colour, marker="<", ls="", label=f"chosen: {display_name(name)}")
        for name, colour in colours.items()
        if name in used
    ]
