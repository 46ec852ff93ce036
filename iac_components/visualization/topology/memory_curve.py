"""Curve of the memory that a DiNTS search steers to: the expected memory by epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from iac_components.visualization.colours import PALETTE
from iac_components.visualization.png import write_png
from iac_components.visualization.topology.epoch_axes import shade_warm_up, style_epochs
from iac_components.visualization.topology.summary_file import Summary

__all__ = ["draw_expected_memory"]

SPENT, BUDGET = PALETTE[0], PALETTE[1]


def draw_expected_memory(summary: Summary, out_png: str | Path) -> Path:
    """Draw the expected memory in gigabytes against epochs, with the budget if there is one.

    Above the budget the surface between both is tinted. The epochs before the first with a loss of
    the architecture are shaded as warm-up.
    """
    figure = Figure(figsize=(7.2, 4.0), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    style_epochs(
        axes,
        len(summary.epochs),
        title="Training memory (activations) that the search expects of its architecture",
    )
    (line,) = axes.plot(
        summary.epochs,
        summary.expected_memory_gigabytes,
        color=SPENT,
        lw=1.8,
        marker="o",
        ms=2.5,
        label="expected memory",
    )
    handles = [line, *_draw_budget(axes, summary), *shade_warm_up(axes, summary)]
    budget = np.nan_to_num(summary.budget_gigabytes)
    highest = max(float(summary.expected_memory_gigabytes.max()), float(budget.max()))
    axes.set_ylim(0, 1.12 * highest or 1.0)
    axes.set_xlabel("epoch", fontsize=9.5)
    axes.set_ylabel("expected memory (GB)", fontsize=9.5)
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return write_png(figure, out_png)


def _draw_budget(axes: Axes, summary: Summary) -> list[Artist]:
    budget = summary.budget_gigabytes
    known = np.flatnonzero(np.isfinite(budget))
    if not len(known):
        return []
    last = known[-1]
    share = f"{100 * summary.budget_fraction[last]:.3g} % of the largest network"
    label = f"budget: {budget[last]:.3g} GB, {share}"
    # From edge to edge of the axes, so that one epoch has a line too.
    edges = np.concatenate([[0.5], summary.epochs[:-1] + 0.5, [len(budget) + 0.5]])
    line = axes.step(edges, np.append(budget, budget[-1]), where="post", color=BUDGET, lw=1.8)[0]
    line.set(linestyle="--", label=label)
    spent = summary.expected_memory_gigabytes
    axes.fill_between(
        summary.epochs,
        spent,
        budget,
        where=list(spent > budget),
        interpolate=True,
        color=BUDGET,
        alpha=0.12,
        lw=0,
    )
    return [line]
