"""Marks of how a part was decided: told apart by shape and line, not by colour alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from matplotlib.lines import Line2D

from iac_components.visualization.colours import DARK
from iac_components.visualization.findings.recorded import DECISIONS

__all__ = ["MARKS", "Dashes", "Mark", "line_legend", "point_legend"]

Dashes = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Mark:
    """Look of a decision.

    Attributes:
        words: for a legend.
        line: style of a line.
        point: marker of a point.
        colour: hex; of a point.
        filled: whether the point is.
    """

    words: str
    line: Dashes
    point: str
    colour: str
    filled: bool


MARKS = {
    "evidence": Mark("decided by evidence", "-", "o", "#0072b2", filled=True),
    "cost": Mark("one of equals, the cheapest", (0, (5, 1.8)), "s", "#009e73", filled=False),
    "undecided": Mark("not decided", (0, (1.1, 1.4)), "D", "#d55e00", filled=False),
}


def line_legend(decisions: Collection[str]) -> list[Line2D]:
    """Return legend entries for the lines of a cell, and the points beside its levels."""
    return [
        Line2D(
            [],
            [],
            color=DARK,
            lw=1.8,
            ls=mark.line,
            marker=mark.point,
            ms=5.5,
            mec=mark.colour,
            mfc=mark.colour if mark.filled else "white",
            label=mark.words,
        )
        for mark in (MARKS[name] for name in DECISIONS if name in decisions)
    ]


def point_legend(decisions: Collection[str]) -> list[Line2D]:
    """Return legend entries for points."""
    return [
        Line2D(
            [],
            [],
            color=mark.colour,
            marker=mark.point,
            mfc=mark.colour if mark.filled else "white",
            ms=6,
            lw=1.4,
            label=mark.words,
        )
        for name, mark in MARKS.items()
        if name in decisions
    ]
