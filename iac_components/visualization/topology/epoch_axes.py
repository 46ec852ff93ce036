"""Axes over the epochs of a DiNTS search: one look, and the warm-up shaded."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from iac_components.visualization.colours import DARK, LIGHT
from iac_components.visualization.topology.summary_file import Summary

__all__ = ["shade_warm_up", "style_epochs"]


def style_epochs(axes: Axes, epochs: int, *, title: str = "") -> None:
    """Give ``axes`` whole epochs from 1 to ``epochs``, a grid and a title."""
    axes.set_title(title, loc="left", fontsize=9.5, color=DARK)
    axes.set_xlim(0.5, epochs + 0.5)
    axes.xaxis.set_major_locator(
        MaxNLocator(nbins=9, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    axes.tick_params(labelsize=8.5)
    axes.grid(color=LIGHT, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def shade_warm_up(axes: Axes, summary: Summary) -> list[Artist]:
    """Shade the epochs that trained the weights alone.

    Returns:
        The entry of the legend, or nothing if there was no warm-up.
    """
    last = summary.warm_up_epochs
    if not last:
        return []
    axes.axvspan(0.5, last + 0.5, color="#dfe7ef", lw=0, zorder=0)
    if last < len(summary.epochs):
        axes.axvline(last + 0.5, color=DARK, lw=0.9, ls="--", zorder=1)
    return [Patch(color="#dfe7ef", label=f"warm-up: weights only, to epoch {last}")]
