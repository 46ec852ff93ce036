"""Boxes, arrows and labels of the picture of a cell, one data unit an inch."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline

from iac_components.visualization.cells.cell_layout import Point
from iac_components.visualization.colours import DARK, GREY, LIGHT
from iac_components.visualization.findings.marks import Dashes

__all__ = ["GHOST", "draw_arrow", "draw_box", "draw_label", "draw_sum"]

CORNER = 0.20  # inches
GHOST = "ghost"
"""Colour of a box for a removed part."""


def draw_box(
    axes: Axes, middle: Point, size: Point, text: str, colour: str, *, below: str = ""
) -> None:
    """Draw a box with its name and, smaller, a line below the name."""
    ghost = colour == GHOST
    axes.add_patch(
        FancyBboxPatch(
            (middle[0] - size[0] / 2, middle[1] - size[1] / 2),
            *size,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor="white" if ghost else colour,
            edgecolor=GREY if ghost else DARK,
            lw=1.0,
            ls=(0, (3, 2)) if ghost else "-",
            zorder=4,
        )
    )
    ink = GREY if ghost else DARK
    up, down = (0.085, -0.115) if below else (0.0, 0.0)
    x, y = middle
    axes.text(x, y + up, text, ha="center", va="center", fontsize=9.5, color=ink, zorder=5)
    if below:
        axes.text(x, y + down, below, ha="center", va="center", fontsize=7.5, color=ink, zorder=5)


def draw_label(axes: Axes, middle: Point, text: str, colour: str) -> None:
    """Draw the label of an edge, on the edge."""
    box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour, "lw": 1.2}
    axes.text(
        *middle,
        text,
        ha="center",
        va="center",
        fontsize=8.5,
        linespacing=1.15,
        color=DARK,
        zorder=6,
        bbox=box,
    )


def draw_sum(axes: Axes, middle: Point, text: str = "+") -> None:
    """Draw a small circle with a sign in it."""
    axes.add_patch(Circle(middle, 0.13, facecolor="white", edgecolor=DARK, lw=1.0, zorder=4))
    x, y = middle
    axes.text(x, y - 0.005, text, ha="center", va="center", fontsize=12, color=DARK, zorder=5)


def draw_arrow(
    axes: Axes, points: Sequence[Point], colour: str, *, width: float = 1.1, line: Dashes = "-"
) -> None:
    """Draw an arrow along points, with rounded corners."""
    above = 3 if width > 1.5 else 1
    if line != "-":
        # Dashes would break the head, and a line that crosses would show in their gaps.
        for style, ink in (("-", LIGHT), (line, colour)):
            axes.add_patch(
                PathPatch(
                    _rounded(points),
                    facecolor="none",
                    edgecolor=ink,
                    lw=width,
                    ls=style,
                    capstyle="butt",
                    zorder=above,
                )
            )
    axes.add_patch(
        FancyArrowPatch(
            path=_rounded(points if line == "-" else _last_bit(points)),
            arrowstyle="-|>",
            mutation_scale=11,
            color=colour,
            lw=width,
            capstyle="butt",
            zorder=above,
        )
    )


def _last_bit(points: Sequence[Point]) -> Sequence[Point]:
    """Return the length of the line that an arrow's head covers."""
    (x, y), (dx, dy) = points[-1], (points[-2][0] - points[-1][0], points[-2][1] - points[-1][1])
    share = 0.14 / max(abs(dx) + abs(dy), 1e-9)
    return (x + share * dx, y + share * dy), (x, y)


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
