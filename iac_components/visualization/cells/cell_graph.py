"""The picture of a found cell: nodes, one labelled arrow an operation, effects and decisions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from iac_components.search.audits.looks.audit_file import AuditLine
from iac_components.search_space import Genotype, load_genotype
from iac_components.visualization.cells.cell_drawing import draw_panel
from iac_components.visualization.cells.cell_layout import INPUT_WIDTH
from iac_components.visualization.cells.cell_panels import Panel, edge_panels, genotype_panels
from iac_components.visualization.cells.final_cell import ChosenOperation
from iac_components.visualization.colours import DARK, operation_colours
from iac_components.visualization.findings.marks import MARKS, line_legend
from iac_components.visualization.findings.recorded import DECISIONS, recorded_findings
from iac_components.visualization.findings.words import UNIT, headline
from iac_components.visualization.png import write_png

__all__ = ["draw_cell", "draw_genotype"]

TITLE_HEIGHT, NOTE_HEIGHT = 0.45, 0.22  # inches
HEADLINE_HEIGHT, LETTER = 0.24, 0.085
LEGEND_HEIGHT = 0.62
MARGIN = 0.25
TAIL = 3.6  # room right of the last node for the output
NOTE_COLUMN = 2.9
WITHOUT = (5.6, 0.62)  # of a panel without a cell
NARROWEST = 7.4  # with a headline
LEFT = -INPUT_WIDTH / 2 - MARGIN


def draw_genotype(
    genotype: Genotype | str | Path, out_png: str | Path, *, looks: Sequence[AuditLine] = ()
) -> Path:
    """Draw a found cell, one panel a level, with its search's findings about it.

    Nodes that went are dashed boxes. Levels without a cell and levels whose skip is off have a
    panel each. Where the search recorded findings, a headline gives the gain over no cell and the
    cost, edges and nodes have their effect with its interval, and lines say how an edge was
    decided.

    Args:
        genotype: the cell, or its ``genotype.json``.
        out_png: the picture to write.
        looks: of the search's audit; where no cell was found, they say what cells would gain.

    Raises:
        GenotypeError: naming the file and the field at fault.
    """
    cell = genotype if isinstance(genotype, Genotype) else load_genotype(genotype)
    findings = recorded_findings(cell, looks)
    panels = genotype_panels(cell, findings)
    lines = [] if findings is None else headline(cell, findings)
    if findings is None and not cell.nodes:
        lines = ["No cell"]
    figure = _figure(panels, lines, operations=cell.search_space.operations)
    return write_png(figure, out_png)


def draw_cell(
    edges: Sequence[ChosenOperation], out_png: str | Path, *, operations: Sequence[str]
) -> Path:
    """Draw the edges of a discrete cell, one panel a level.

    Args:
        edges: the kept edges of all levels, at least one.
        out_png: the picture to write.
        operations: names of all operations of the search space, which fix the colours.

    Raises:
        ValueError: naming an input that is neither ``skip``, ``gate`` nor an earlier node.
    """
    names = [*operations, *(edge.operation for edge in edges)]
    figure = _figure(edge_panels(edges), [], operations=list(dict.fromkeys(names)))
    return write_png(figure, out_png)


def _figure(panels: Sequence[Panel], lines: Sequence[str], *, operations: Sequence[str]) -> Figure:
    colours = operation_colours(operations)
    right = max([_right(panel) for panel in panels] + [LEFT + NARROWEST] * bool(lines))
    width = right - LEFT
    text = [part for line in lines for part in textwrap.wrap(line, int(width / LETTER))]
    head = HEADLINE_HEIGHT * len(text) + 0.2 if text else 0.0
    decisions = {part.decided for panel in panels for part in panel.edges.values()}
    decisions |= {how for panel in panels for column in panel.notes for _, how in column}
    foot = LEGEND_HEIGHT if decisions else 0.0
    heights = [_height(panel) for panel in panels]
    total = head + sum(heights) + foot
    figure = Figure(figsize=(width, total), facecolor="white")
    _draw_headline(figure, text)
    used = head
    for panel, height in zip(panels, heights, strict=True):
        used += height
        axes = figure.add_axes((0.0, 1 - used / total, 1.0, height / total))
        axes.set_axis_off()
        # One data unit is one inch, so that what the layout leaves free is free for the text.
        bottom = -WITHOUT[1] / 2 if panel.layout is None else panel.layout.bottom - MARGIN
        axes.set_xlim(LEFT, right)
        axes.set_ylim(bottom, bottom + height)
        _draw_title(axes, panel, bottom + height)
        draw_panel(axes, panel, colours)
    if decisions:
        _draw_legend(figure, decisions)
    return figure


def _right(panel: Panel) -> float:
    if panel.layout is None:
        return LEFT + WITHOUT[0]
    return panel.layout.nodes[-1][0] + panel.layout.sizes.node_width / 2 - 0.39 + TAIL


def _height(panel: Panel) -> float:
    titles = (TITLE_HEIGHT if panel.title else 0.0) + NOTE_HEIGHT * max(
        map(len, panel.notes), default=0
    )
    if panel.layout is None:
        return titles + WITHOUT[1]
    return titles + panel.layout.top - panel.layout.bottom + 2 * MARGIN


def _draw_headline(figure: Figure, lines: Sequence[str]) -> None:
    width, height = figure.get_size_inches()
    for number, line in enumerate(lines):
        first = number == 0
        y = 1 - (0.14 + HEADLINE_HEIGHT * number) / height
        size, weight = (12, "bold") if first else (9.5, "normal")
        figure.text(MARGIN / 2 / width, y, line, fontsize=size, weight=weight, color=DARK, va="top")


def _draw_title(axes: Axes, panel: Panel, top: float) -> None:
    x, y = LEFT + MARGIN / 2, top - 0.16
    if panel.title:
        axes.text(x, y, panel.title, fontsize=11, weight="bold", color=DARK, va="center")
        y -= 0.28
    for number, column in enumerate(panel.notes):
        for line, (text, decided) in enumerate(column):
            mark = MARKS[decided]
            face = mark.colour if mark.filled else "white"
            left, height = x + NOTE_COLUMN * number, y - NOTE_HEIGHT * line
            axes.plot(left + 0.06, height, mark.point, color=mark.colour, mfc=face, ms=5.5)
            axes.text(left + 0.2, height, text, fontsize=9, color=DARK, va="center_baseline")


def _draw_legend(figure: Figure, decisions: set[str]) -> None:
    width, height = figure.get_size_inches()
    figure.text(
        MARGIN / 2 / width,
        (LEGEND_HEIGHT - 0.1) / height,
        f"Numbers: by how much the loss rises without the part, {UNIT}, with its interval",
        fontsize=8.5,
        color=DARK,
        va="top",
    )
    figure.legend(
        handles=line_legend(decisions),
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=len(DECISIONS),
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
        columnspacing=1.4,
    )
