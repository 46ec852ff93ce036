"""The picture of a cell: inputs, nodes, one labelled arrow an operation, and the output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Outline

from iac_components.search_space import Genotype, load_genotype
from iac_components.visualization.cells.cell_layout import (
    INPUT_WIDTH,
    NODE_HEIGHT,
    NODE_WIDTH,
    CellLayout,
    Point,
    Route,
    lay_out_cell,
)
from iac_components.visualization.cells.final_cell import ChosenOperation, chosen_operations
from iac_components.visualization.colours import DARK, GREY, display_name, operation_colours
from iac_components.visualization.png import write_png

__all__ = ["draw_cell", "draw_genotype"]

CORNER = 0.20  # inches
TITLE_HEIGHT = 0.45
MARGIN = 0.25
TAIL = 3.6  # room right of the last node for the output


def draw_genotype(genotype: Genotype | str | Path, out_png: str | Path) -> Path:
    """Draw a found cell, one panel a level.

    Args:
        genotype: the cell, or its ``genotype.json``.
        out_png: the picture to write.

    Raises:
        GenotypeError: naming the file and the field at fault.
    """
    cell = genotype if isinstance(genotype, Genotype) else load_genotype(genotype)
    return draw_cell(chosen_operations(cell), out_png, operations=cell.search_space.operations)


def draw_cell(
    edges: Sequence[ChosenOperation], out_png: str | Path, *, operations: Sequence[str]
) -> Path:
    """Draw a discrete cell, one panel a level.

    Args:
        edges: the kept edges of all levels, at least one.
        out_png: the picture to write.
        operations: names of all operations of the search space, which fix the colours.

    Raises:
        ValueError: naming an input that is neither ``skip``, ``gate`` nor an earlier node.
    """
    names = [*operations, *(edge.operation for edge in edges)]
    colours = operation_colours(list(dict.fromkeys(names)))
    levels = sorted({edge.level for edge in edges})
    longest = max(len(edge.operation) for edge in edges)
    layouts = [
        lay_out_cell([edge for edge in edges if edge.level == level], longest_label=longest)
        for level in levels
    ]
    left = -INPUT_WIDTH / 2 - MARGIN
    right = max(layout.nodes[-1][0] for layout in layouts) + TAIL
    title = TITLE_HEIGHT if len(levels) > 1 else 0.0
    heights = [layout.top - layout.bottom + 2 * MARGIN + title for layout in layouts]
    figure = Figure(figsize=(right - left, sum(heights)), facecolor="white")
    used = 0.0
    for level, layout, height in zip(levels, layouts, heights, strict=True):
        used += height
        axes = figure.add_axes((0.0, 1 - used / sum(heights), 1.0, height / sum(heights)))
        axes.set_axis_off()
        # One data unit is one inch, so that what the layout leaves free is free for the text.
        axes.set_xlim(left, right)
        axes.set_ylim(layout.bottom - MARGIN, layout.bottom - MARGIN + height)
        _draw_layout(axes, layout, colours)
        if title:
            text = f"Skip level {level}" + (" (finest)" if level == 0 else "")
            y = layout.top + MARGIN + 0.12
            axes.text(left + MARGIN, y, text, fontsize=11, weight="bold", color=DARK)
    return write_png(figure, out_png)


def _draw_layout(axes: Axes, layout: CellLayout, colours: dict[str, str]) -> None:
    _draw_output(axes, layout)
    for route in layout.routes:
        _draw_route(axes, route, colours[route.edge.operation])
    for index, (x, y) in enumerate(layout.nodes):
        _draw_box(axes, (x, y), (NODE_WIDTH, NODE_HEIGHT), f"node {index}", "#f3f3f3")
    for name, (x, low, high) in layout.inputs.items():
        size = (INPUT_WIDTH, high - low)
        _draw_box(axes, (x, (low + high) / 2), size, name, "#dfe7ef")


def _draw_output(axes: Axes, layout: CellLayout) -> None:
    """Draw what follows the nodes: concatenation, 1x1 projection, the sum with the skip."""
    last = layout.nodes[-1][0]
    concat, project, plus, end = last + 1.05, last + 2.05, last + 2.8, last + 3.15
    for x, y in layout.drops:
        corners = ((x, layout.bottom), (concat, layout.bottom))
        _draw_arrow(axes, ((x, y), *corners, (concat, -NODE_HEIGHT / 2)), GREY)
    skip, _, high = layout.inputs["skip"]
    _draw_arrow(axes, ((skip, high), (skip, layout.top), (plus, layout.top), (plus, 0.13)), GREY)
    _draw_arrow(axes, ((concat + 0.39, 0), (project - 0.39, 0)), GREY)
    _draw_arrow(axes, ((project + 0.39, 0), (plus - 0.13, 0)), GREY)
    _draw_arrow(axes, ((plus + 0.13, 0), (end, 0)), GREY)
    _draw_box(axes, (concat, 0), (NODE_WIDTH, NODE_HEIGHT), "concat", "white")
    _draw_box(axes, (project, 0), (NODE_WIDTH, NODE_HEIGHT), "1×1 conv", "white")
    axes.add_patch(Circle((plus, 0), 0.13, facecolor="white", edgecolor=DARK, lw=1.0, zorder=4))
    axes.text(plus, -0.005, "+", ha="center", va="center", fontsize=12, color=DARK, zorder=5)
    axes.text(end, -0.16, "output", ha="center", va="top", fontsize=9.5, color=DARK)


def _draw_route(axes: Axes, route: Route, colour: str) -> None:
    _draw_arrow(axes, route.points, colour, width=1.8)
    axes.text(
        *route.label,
        display_name(route.edge.operation),
        ha="center",
        va="center",
        fontsize=8.5,
        color=DARK,
        zorder=6,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour, "lw": 1.2},
    )


def _draw_box(axes: Axes, middle: Point, size: Point, text: str, colour: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (middle[0] - size[0] / 2, middle[1] - size[1] / 2),
            *size,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor=colour,
            edgecolor=DARK,
            lw=1.0,
            zorder=4,
        )
    )
    axes.text(*middle, text, ha="center", va="center", fontsize=9.5, color=DARK, zorder=5)


def _draw_arrow(axes: Axes, points: Sequence[Point], colour: str, *, width: float = 1.1) -> None:
    axes.add_patch(
        FancyArrowPatch(
            path=_rounded(points),
            arrowstyle="-|>",
            mutation_scale=11,
            color=colour,
            lw=width,
            capstyle="butt",
            zorder=3 if width > 1.5 else 1,
        )
    )


def _rounded(points: Sequence[Point]) -> Outline:
    """Return a line through ``points`` whose corners are rounded by a quadratic curve."""
    vertices, codes = [points[0]], [Outline.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [_towards(corner, before), corner, _towards(corner, after)]
        codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
    return Outline([*vertices, points[-1]], [*codes, Outline.LINETO])


def _towards(corner: Point, other: Point) -> Point:
    """Return the point a corner's radius from ``corner`` on the way to ``other``."""
    (x, y), (dx, dy) = corner, (other[0] - corner[0], other[1] - corner[1])
    share = min(0.5, CORNER / max(abs(dx) + abs(dy), 1e-9))
    return x + share * dx, y + share * dy
