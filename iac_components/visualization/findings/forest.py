"""Effects of all parts of a found cell or topology with their intervals, as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from iac_components.dints import DintsArchitecture
from iac_components.search.audits.looks.audit_file import AuditLine
from iac_components.search_space import Genotype
from iac_components.visualization.colours import DARK, GREY, LIGHT, display_name
from iac_components.visualization.findings.marks import MARKS, point_legend
from iac_components.visualization.findings.recorded import (
    Interval,
    RecordedFindings,
    RecordedPart,
    recorded_findings,
)
from iac_components.visualization.findings.words import SCALE, UNIT, headline, place_words
from iac_components.visualization.png import write_png

__all__ = ["draw_effects"]

ROW = 0.21  # inches
BARS, LETTER = 3.1, 0.073  # inches of a column, and of a name's letter
HEAD, FOOT = 0.30, 0.80
LINE = 0.22
MOST_ROWS = 45
"""Rows of a column; more parts make more columns."""


@dataclass(frozen=True)
class Row:
    """A line of the plot: a part's name and kind, its effect and how it was decided."""

    name: str
    kind: str
    effect: Interval
    decided: str


def draw_effects(
    found: Genotype | DintsArchitecture,
    out_png: str | Path,
    *,
    looks: Sequence[AuditLine] = (),
) -> Path:
    """Draw the effect of every part that a search kept, with its interval.

    The shaded band is the tolerance: an effect within it does not matter. Bounds that are infinite
    run off the axis.

    Args:
        found: by a search with findings.
        out_png: the picture to write.
        looks: of the search's audit; where no cell was found, they say what cells would gain.

    Raises:
        ValueError: if the search recorded no findings, or a field of them is wrong.
    """
    findings = recorded_findings(found, looks)
    if findings is None:
        raise ValueError("provenance.findings is missing: the search judged no parts.")
    gain = findings.gain
    rows = [] if gain is None else [Row("all cells together", "cells", gain, "")]
    rows += [Row(_name(found, p), p.kind, p.effect, p.decided) for p in findings.parts]
    if not rows:
        raise ValueError("provenance.findings.parts is empty: there is no effect to draw.")
    each = -(-len(rows) // -(-len(rows) // MOST_ROWS))
    columns = [rows[first : first + each] for first in range(0, len(rows), each)]
    lines = headline(found, findings)
    head = HEAD + LINE * len(lines)
    names = 0.25 + LETTER * max(len(row.name) for row in rows)
    width = max((names + BARS) * len(columns), 6.9)
    tallest = max(map(len, columns)) * ROW
    height = head + tallest + FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    for number, line in enumerate(lines):
        size, weight = (11.5, "bold") if number == 0 else (9, "normal")
        y = 1 - (0.1 + LINE * number) / height
        figure.text(0.1 / width, y, line, fontsize=size, weight=weight, color=DARK, va="top")
    limits = _limits([row.effect for row in rows], findings.tolerance)
    for number, column in enumerate(columns):
        left = names + (names + BARS) * number
        bars = width - left - 0.2 if len(columns) == 1 else BARS - 0.2
        rest = len(column) * ROW
        box = (left / width, 1 - (head + rest) / height, bars / width, rest / height)
        _draw_column(figure.add_axes(box), column, findings, limits)
    figure.legend(
        handles=[
            *point_legend({part.decided for part in findings.parts}),
            Patch(color=LIGHT, label="within the tolerance"),
        ],
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=4,
        frameon=False,
        fontsize=8.5,
        handlelength=1.6,
        columnspacing=1.2,
    )
    return write_png(figure, out_png)


def _name(found: Genotype | DintsArchitecture, part: RecordedPart) -> str:
    space = found.space if isinstance(found, DintsArchitecture) else found.search_space
    place = place_words(space, part.level)
    if part.kind == "cell":
        return f"cell at {place}"
    if part.kind == "skip":
        return f"{place} itself"
    where = f"{place}: " if space.levels > 1 else ""
    if part.kind == "node":
        return f"{where}node {part.node}"
    source = display_name(part.input or "")
    target = f"node {part.node}" if isinstance(found, Genotype) else f"{part.node}"
    operation = f": {display_name(part.operation)}" if part.operation else ""
    return f"{where}{source} → {target}{operation}"


def _limits(intervals: Sequence[Interval], tolerance: float) -> tuple[float, float]:
    """Return an axis that holds all that is finite."""
    values = [v for i in intervals for v in (i.mean, i.low, i.high) if math.isfinite(v)]
    low, high = min([*values, -tolerance]), max([*values, tolerance, 1e-6])
    margin = 0.06 * (high - low)
    return SCALE * (low - margin), SCALE * (high + margin)


def _draw_column(
    axes: Axes,
    rows: Sequence[Row],
    findings: RecordedFindings,
    limits: tuple[float, float],
) -> None:
    axes.set_xlim(*limits)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    band = SCALE * findings.tolerance
    axes.axvspan(-band, band, color=LIGHT, lw=0, zorder=0)
    axes.axvline(0, color=DARK, lw=0.9, zorder=1)
    for place, row in enumerate(rows):
        if place and row.kind != rows[place - 1].kind:
            axes.axhline(place - 0.5, color=LIGHT, lw=0.8, zorder=0)
        _draw_interval(axes, place, row, limits)
    axes.set_yticks(range(len(rows)), labels=[row.name for row in rows])
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(f"rise of the loss without the part, {UNIT}", fontsize=8.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_interval(axes: Axes, place: int, row: Row, limits: tuple[float, float]) -> None:
    mark, effect = MARKS.get(row.decided), row.effect
    colour = DARK if mark is None else mark.colour
    ends = [min(max(SCALE * v, limits[0]), limits[1]) for v in (effect.low, effect.high)]
    known = math.isfinite(effect.mean)
    axes.plot(ends, [place, place], color=colour if known else GREY, lw=1.4, zorder=2)
    if known:
        face = "white" if mark is not None and not mark.filled else colour
        point = "P" if mark is None else mark.point
        axes.plot(SCALE * effect.mean, place, point, color=colour, mfc=face, ms=5.5, zorder=3)
