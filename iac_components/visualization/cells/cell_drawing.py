"""Drawing one panel: a cell as it is laid out, or a level that has none."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from iac_components.visualization.cells.cell_layout import INPUT_WIDTH, CellLayout, Route
from iac_components.visualization.cells.cell_panels import OFF, Panel
from iac_components.visualization.cells.cell_parts import (
    GHOST,
    draw_arrow,
    draw_box,
    draw_label,
    draw_sum,
)
from iac_components.visualization.colours import DARK, GREY, display_name
from iac_components.visualization.findings.marks import MARKS
from iac_components.visualization.findings.recorded import RecordedPart
from iac_components.visualization.findings.words import interval_words

__all__ = ["draw_panel"]

BOX = (0.78, 0.40)  # inches, of what has no numbers
SOURCE, NODE = "#dfe7ef", "#f3f3f3"


def draw_panel(axes: Axes, panel: Panel, colours: Mapping[str, str]) -> None:
    """Draw a panel into axes whose unit is an inch.

    Args:
        axes: where to; the row of nodes is at y = 0, the input boxes at x = 0.
        panel: what.
        colours: of the operations.
    """
    if panel.layout is None:
        _draw_without(axes, panel)
        return
    layout = panel.layout
    _draw_output(axes, layout)
    for route in layout.routes:
        _draw_route(axes, route, colours[route.edge.operation], panel.edges.get(route.edge))
    size = (layout.sizes.node_width, layout.sizes.node_height)
    for number, middle in enumerate(layout.nodes):
        part = panel.nodes.get(number)
        if number in layout.gone:
            draw_box(axes, middle, size, f"node {number}", GHOST, below="not needed")
        else:
            below = "" if part is None else interval_words(part.effect)
            draw_box(axes, middle, size, f"node {number}", NODE, below=below)
    for name, (x, low, high) in layout.inputs.items():
        draw_box(axes, (x, (low + high) / 2), (INPUT_WIDTH, high - low), panel.inputs[name], SOURCE)


def _draw_without(axes: Axes, panel: Panel) -> None:
    """Draw a feature that reaches the decoder without a cell, or is replaced by zeros."""
    words, end, begin = panel.without, 4.3, INPUT_WIDTH / 2
    draw_box(axes, (0.0, 0.0), BOX, panel.inputs["skip"], GHOST if words == OFF else SOURCE)
    if words == OFF:
        draw_sum(axes, (begin + 0.5, 0.0), "0")
        begin += 0.63
    draw_arrow(axes, ((begin, 0.0), (end, 0.0)), GREY)
    axes.text(end + 0.08, 0.0, "output", ha="left", va="center", fontsize=9.5, color=DARK)
    axes.text((begin + end) / 2, 0.14, words, ha="center", va="center", fontsize=9, color=DARK)


def _draw_output(axes: Axes, layout: CellLayout) -> None:
    """Draw the operations after the nodes: concatenation, 1x1 projection, sum with the skip."""
    last = layout.nodes[-1][0] + layout.sizes.node_width / 2 - 0.39
    concat, project, plus, end = last + 1.05, last + 2.05, last + 2.8, last + 3.15
    for x, y in layout.drops:
        corners = ((x, layout.bottom), (concat, layout.bottom))
        draw_arrow(axes, ((x, y), *corners, (concat, -BOX[1] / 2)), GREY)
    skip, _, high = layout.inputs["skip"]
    draw_arrow(axes, ((skip, high), (skip, layout.top), (plus, layout.top), (plus, 0.13)), GREY)
    draw_arrow(axes, ((concat + 0.39, 0), (project - 0.39, 0)), GREY)
    draw_arrow(axes, ((project + 0.39, 0), (plus - 0.13, 0)), GREY)
    draw_arrow(axes, ((plus + 0.13, 0), (end, 0)), GREY)
    draw_box(axes, (concat, 0), BOX, "concat", "white")
    draw_box(axes, (project, 0), BOX, "1×1 conv", "white")
    draw_sum(axes, (plus, 0))
    axes.text(end, -0.16, "output", ha="center", va="top", fontsize=9.5, color=DARK)


def _draw_route(axes: Axes, route: Route, colour: str, part: RecordedPart | None) -> None:
    line = "-" if part is None else MARKS[part.decided].line
    draw_arrow(axes, route.points, colour, width=1.8, line=line)
    name = display_name(route.edge.operation)
    text = name if part is None else f"{name}\n{interval_words(part.effect)}"
    draw_label(axes, route.label, text, colour)
