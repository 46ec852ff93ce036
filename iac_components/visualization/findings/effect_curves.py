"""Curves of effects over the looks of a search, a small panel per group of parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from iac_components.search.audits.looks.audit_file import AuditedPart, AuditLine
from iac_components.visualization.colours import (
    DARK,
    FURTHER,
    LIGHT,
    PALETTE,
    display_name,
    operation_colours,
)
from iac_components.visualization.findings.words import SCALE, UNIT
from iac_components.visualization.png import write_png

__all__ = ["draw_effect_curves"]

PANEL = (2.75, 1.75)  # inches
COLUMNS = 4
HEAD, FOOT, LEFT = 0.70, 0.24, 0.65
LEGEND_ROW, LEGEND_ENTRY = 0.22, 1.35
MOST_BANDS = 3
"""Curves of a panel whose intervals can be told apart; with more, only the last look is shown."""

COLOURS = (*PALETTE, *FURTHER)
ENDS = {
    "needed": ("o", "needed"),
    "needless": ("X", "needless"),
    "worse": ("v", "worse than another"),
    "equal": ("s", "equal to another"),
    "undecided": ("D", "undecided"),
}
ORDER = ("cells", "cell", "skip", "node", "edge", "path", "operation")
MOST_PANELS = 80
"""Of more, those of operations are left out."""

Course = list[AuditLine]


def draw_effect_curves(lines: Sequence[AuditLine], out_png: str | Path) -> Path:
    """Draw each part's effect with its interval against epochs.

    A panel each for the cells, the skips, the nodes of a level, the edges into a node, the paths of
    a block and the operations of an edge; where these are too many, operations have none. A curve
    ends with the last look that measured its part; the mark there says what was concluded. An axis
    shows the means and what intervals there are near them.

    Args:
        lines: of an audit trace, at least one.
        out_png: the picture to write.

    Raises:
        ValueError: if there is no line.
    """
    if not lines:
        raise ValueError("the audit trace holds no look: there is nothing to draw.")
    groups = _groups(lines)
    lines = [line for courses in groups.values() for course in courses.values() for line in course]
    legends = _legends(lines)
    colours = {name: colour for legend in legends for name, colour in legend.items()}
    columns = min(COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    width = max(LEFT + PANEL[0] * columns + 0.1, 6.4)
    entries = max(1, int(width // LEGEND_ENTRY))
    verdicts = [name for name in ENDS if any(line.verdict == name for line in lines)]
    head = HEAD + LEGEND_ROW * sum(-(-len(x) // entries) for x in (*legends, verdicts))
    height = head + PANEL[1] * rows + FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    epochs = (min(line.epoch for line in lines), max(line.epoch for line in lines))
    for number, (title, courses) in enumerate(groups.items()):
        row, column = divmod(number, columns)
        box = (
            (LEFT + PANEL[0] * column) / width,
            1 - (head + PANEL[1] * (row + 1) - 0.42) / height,
            (PANEL[0] - 0.55) / width,
            (PANEL[1] - 0.62) / height,
        )
        panel = figure.add_axes(box)
        _style(panel, title, epochs)
        for course in courses.values():
            _draw_course(
                panel, course, colours[_key(course[0].part)], band=len(courses) <= MOST_BANDS
            )
        panel.set_ylim(*_limits(list(courses.values())))
    _draw_words(figure, head)
    _draw_legends(figure, legends, verdicts, entries)
    return write_png(figure, out_png)


def _groups(lines: Sequence[AuditLine]) -> dict[str, dict[AuditedPart, Course]]:
    """Return the courses of the parts by panel, larger parts first."""
    ranked = sorted(lines, key=lambda line: _rank(line.part))
    groups: dict[str, dict[AuditedPart, Course]] = {}
    inner = {line.part.level for line in lines if line.part.kind not in ("cells", "cell", "skip")}
    for line in ranked:
        panel = groups.setdefault(_group(line.part, many_levels=len(inner) > 1), {})
        panel.setdefault(line.part, []).append(line)
    if len(groups) > MOST_PANELS:
        return {
            title: courses
            for title, courses in groups.items()
            if next(iter(courses)).kind != "operation"
        } or groups
    return groups


def _rank(part: AuditedPart) -> tuple[int, int, int]:
    kind = ORDER.index(part.kind) if part.kind in ORDER else len(ORDER)
    missing = -1
    return (
        kind,
        missing if part.level is None else part.level,
        missing if part.node is None else part.node,
    )


def _group(part: AuditedPart, *, many_levels: bool) -> str:
    place = "block" if part.kind == "path" or part.input.startswith("depth_") else "level"
    where = f"{place} {part.level}: " if many_levels or place == "block" else ""
    if part.kind in ("cells", "cell"):
        return "cells"
    if part.kind == "skip":
        return "skips"
    if part.kind == "node":
        return f"{where}nodes"
    if part.kind == "edge":
        return f"{where}into node {part.node}"
    if part.kind == "path":
        return f"{where}paths"
    target = part.node if place == "block" else f"node {part.node}"
    return f"{where}{display_name(part.input)} → {target}"


def _name(part: AuditedPart) -> str:
    if part.kind == "cells":
        return "all together"
    if part.kind in ("cell", "skip"):
        return f"level {part.level}"
    if part.kind == "node":
        return f"node {part.node}"
    if part.kind == "path":
        return f"{display_name(part.input)} → {part.node}"
    return display_name(part.operation if part.kind == "operation" else part.input)


def _key(part: AuditedPart) -> tuple[str, str]:
    """Return family and name: a name of each family has a colour of its own."""
    families = {"node": "source", "edge": "source", "path": "source", "operation": "operation"}
    return families.get(part.kind, "level"), _name(part)


def _legends(lines: Sequence[AuditLine]) -> list[dict[tuple[str, str], str]]:
    """Return the colours by family; operations have those of every other picture."""
    operations = list(dict.fromkeys(line.part.operation for line in lines if line.part.operation))
    fixed = {display_name(name): colour for name, colour in operation_colours(operations).items()}
    keys = sorted({_key(line.part) for line in lines}, key=lambda key: key[1])
    legends = []
    for family in ("level", "source"):
        mine = [key for key in keys if key[0] == family]
        legends.append({key: COLOURS[n % len(COLOURS)] for n, key in enumerate(mine)})
    legends.append({("operation", name): colour for name, colour in fixed.items()})
    return [legend for legend in legends if legend]


def _style(panel: Axes, title: str, epochs: tuple[int, int]) -> None:
    panel.set_title(title, loc="left", fontsize=9, color=DARK, pad=3)
    panel.set_xlim(epochs[0] - 0.5, epochs[1] + 0.5)
    panel.xaxis.set_major_locator(
        MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    panel.yaxis.set_major_locator(MaxNLocator(nbins=4))
    panel.tick_params(labelsize=7.5, length=2)
    panel.axhline(0, color=DARK, lw=0.8, zorder=1)
    panel.grid(color=LIGHT, lw=0.5)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_course(panel: Axes, course: Course, colour: str, *, band: bool) -> None:
    epochs = [line.epoch for line in course]
    mean, low, high = (
        SCALE * np.array([getattr(line, name) for line in course])
        for name in ("effect", "low", "high")
    )
    panel.plot(epochs, mean, color=colour, lw=1.4, zorder=3)
    # A surface cannot reach to infinity: what has no bound yet has no surface.
    bounded = np.isfinite(low) & np.isfinite(high)
    if band:
        low, high = (np.where(bounded, bound, np.nan) for bound in (low, high))
        panel.fill_between(epochs, low, high, color=colour, alpha=0.12, lw=0, zorder=2)
    elif bounded[-1]:
        panel.plot([epochs[-1]] * 2, [low[-1], high[-1]], color=colour, lw=1.0, zorder=2)
    if math.isfinite(mean[-1]):
        mark = ENDS.get(course[-1].verdict, ("D", ""))[0]
        panel.plot(epochs[-1], mean[-1], mark, color=colour, mec="white", mew=0.6, ms=6, zorder=4)


def _limits(courses: Sequence[Course]) -> tuple[float, float]:
    """Return an axis of twice the means' range, so that wide early intervals do not hide them."""
    means = [line.effect for course in courses for line in course if math.isfinite(line.effect)]
    low, high = min([*means, 0.0]), max([*means, 0.0])
    reach = max(high - low, 1e-5)
    bounds = [b for course in courses for b in (course[-1].low, course[-1].high)]
    near = [b for b in bounds if low - reach <= b <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    return SCALE * (low - 0.1 * reach), SCALE * (high + 0.1 * reach)


def _draw_words(figure: Figure, head: float) -> None:
    width, height = figure.get_size_inches()
    title = f"Effects over the looks of the search: rise of the loss without the part, {UNIT}"
    figure.text(0.1 / width, 1 - 0.1 / height, title, fontsize=10.5, color=DARK, va="top")
    middle = 1 - (head + (height - head - FOOT) / 2) / height
    figure.text(
        0.08 / width, middle, f"effect, {UNIT}", fontsize=9, rotation=90, va="center", color=DARK
    )
    figure.text(0.5, 0.08 / height, "epoch", fontsize=9, va="bottom", ha="center", color=DARK)


def _draw_legends(
    figure: Figure,
    legends: Sequence[dict[tuple[str, str], str]],
    verdicts: Sequence[str],
    entries: int,
) -> None:
    height = figure.get_size_inches()[1]
    rows = [
        [Line2D([], [], color=colour, lw=2, label=name) for (_, name), colour in legend.items()]
        for legend in legends
    ]
    rows.append(
        [
            Line2D(
                [], [], color=DARK, marker=ENDS[name][0], ls="", ms=5, label=f"ends {ENDS[name][1]}"
            )
            for name in verdicts
        ]
    )
    top = 0.30
    for handles in filter(None, rows):
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0.0, 1 - top / height),
            ncols=entries,
            frameon=False,
            fontsize=8.5,
            handlelength=1.4,
            columnspacing=1.2,
            borderpad=0.2,
        )
        top += LEGEND_ROW * -(-len(handles) // entries)
