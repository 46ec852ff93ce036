"""Curves of a DiNTS search's entropies and topology loss by epoch."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from iac_components.visualization.colours import PALETTE
from iac_components.visualization.png import write_png
from iac_components.visualization.topology.epoch_axes import shade_warm_up, style_epochs
from iac_components.visualization.topology.summary_file import Summary

__all__ = ["draw_entropies"]

TITLES = (
    "Which paths: undecided at the top, decided at 0",
    "Which operation on each path: undecided at the top, decided at 0",
    "Do neighbouring blocks agree on their nodes: the lower, the better",
)
LABELS = (
    "path entropy\n(mean of −p ln p)",
    "operation entropy\n(mean of −p ln p)",
    "topology loss\n(nats)",
)


def draw_entropies(summary: Summary, out_png: str | Path) -> Path:
    """Draw path entropy, operation entropy and topology loss against epochs, a panel each.

    The epochs before the first with a loss of the architecture are shaded as warm-up.
    """
    figure = Figure(figsize=(7.2, 6.4), facecolor="white", layout="constrained")
    columns = (summary.path_entropy, summary.operation_entropy, summary.topology_loss)
    panels = figure.subplots(len(columns), 1, sharex=True)
    for index, (panel, values) in enumerate(zip(panels, columns, strict=True)):
        style_epochs(panel, len(summary.epochs), title=TITLES[index])
        panel.plot(summary.epochs, values, color=PALETTE[index], lw=1.8, marker="o", ms=2.5)
        # What MONAI adds within its logarithms makes a decided entropy slightly negative.
        highest = max(float(values.max()), 0.0)
        panel.set_ylim(min(1.08 * float(values.min()), 0.0), 1.08 * highest or 1.0)
        panel.set_ylabel(LABELS[index], fontsize=9.5)
        handles = shade_warm_up(panel, summary)
    panels[-1].set_xlabel("epoch", fontsize=9.5)
    if handles:
        figure.legend(handles=handles, loc="outside upper right", frameon=False, fontsize=9)
    return write_png(figure, out_png)
