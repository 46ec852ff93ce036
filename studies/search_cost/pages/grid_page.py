"""Table and picture of the sensitivity grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from iac_components.visualization.png import write_png
from studies.search_cost.pages.grid import Grid, Point

__all__ = ["draw_grid", "render_grid", "shades"]

_PANELS: Sequence[tuple[str, Callable[[Point], float], str]] = (
    ("Epochs to a genotype", lambda point: point.cost.epochs, "{:.0f}"),
    ("Processor seconds to a genotype", lambda point: point.cost.total.cpu, "{:.0f}"),
    ("Dice x 100 of the trained cell", lambda point: 100 * point.dice, "{:.2f}"),
)


def render_grid(points: Sequence[Point]) -> str:
    """Render a Markdown table, a row a point."""
    lines = [
        "| threshold | patience | epochs | decided | wall s | CPU s | Dice x 100 | cell |",
        "| ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {p.threshold:g} | {p.patience} | {p.cost.epochs:.0f} | {'yes' if p.decided else 'no'} "
        f"| {p.cost.total.wall:.1f} | {p.cost.total.cpu:.1f} | {100 * p.dice:.2f} "
        f"| `{p.digest.removeprefix('sha256:')[:8]}` |"
        for p in points
    ]
    return "\n".join(lines) + "\n"


def shades(values: np.ndarray) -> tuple[float, float]:
    """Return the values of the lightest and the darkest shade.

    At least a unit apart, an epoch, a second or a Dice point: less is no difference to be seen.
    """
    low, high = float(values.min()), float(values.max())
    margin = max(0.0, 1.0 - (high - low)) / 2
    return low - margin, high + margin


def draw_grid(points: Sequence[Point], grid: Grid, out_png: Path) -> None:
    """Draw time and Dice over the grid, a square a point."""
    figure = Figure(figsize=(3.4 * len(_PANELS), 3.6), facecolor="white", layout="constrained")
    by_place = {(point.threshold, point.patience): point for point in points}
    for axes, (title, value, form) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        values = np.array(
            [
                [value(by_place[threshold, patience]) for threshold in grid.thresholds]
                for patience in grid.patiences
            ]
        )
        low, high = shades(values)
        axes.imshow(values, cmap="Blues", aspect="auto", vmin=low, vmax=high)
        dark = low + 0.6 * (high - low)
        for (row, column), number in np.ndenumerate(values):
            point = by_place[grid.thresholds[column], grid.patiences[row]]
            text = form.format(number) + ("" if point.decided else " *")
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                color="white" if number > dark else "black",
            )
        axes.set_xticks(range(len(grid.thresholds)), [f"{t:g}" for t in grid.thresholds])
        axes.set_yticks(range(len(grid.patiences)), [str(p) for p in grid.patiences])
        axes.set_xlabel("threshold, share of the way from uniform")
        axes.set_ylabel("patience, epochs")
        axes.set_title(title, fontsize=10)
    if not all(point.decided for point in points):
        figure.supxlabel("* not decided within the epochs given", fontsize=9)
    write_png(figure, out_png)
