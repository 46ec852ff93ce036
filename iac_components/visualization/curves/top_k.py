"""Ranks of the chosen operations on their edges over a search's epochs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from iac_components.common.files import write_json
from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge
from iac_components.search_space import Genotype
from iac_components.visualization.cells.final_cell import (
    ChosenOperation,
    chosen_operations,
    final_cell,
)
from iac_components.visualization.colours import DARK, LIGHT, PALETTE
from iac_components.visualization.png import write_png

__all__ = ["TopK", "draw_top_k", "rank_chosen_operations", "write_top_k"]

KS = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class TopK:
    """Ranks of the C chosen operations over T epochs.

    Attributes:
        chosen: the C chosen operations.
        ranks: (T, C) 1 = the most probable operation of its edge.
    """

    chosen: tuple[ChosenOperation, ...]
    ranks: NDArray[np.int64]

    def fraction(self, k: int) -> NDArray[np.float64]:
        """Return (T,) the fraction of chosen operations within the top k, by epoch.

        Where no cell was found, all of the none are.
        """
        if not self.chosen:
            return np.ones(len(self.ranks))
        return np.asarray((self.ranks <= k).mean(axis=1), dtype=np.float64)

    def first_epochs(self, k: int) -> list[int | None]:
        """Return, for each chosen operation, the first epoch in the top k, None if never."""
        within = self.ranks <= k
        return [int(c.argmax()) + 1 if c.any() else None for c in within.T]

    def stays_from_epochs(self, k: int) -> list[int | None]:
        """Return the first epochs from which the top k is kept to the end, None if not kept."""
        within = self.ranks <= k
        last_outside = [int(np.flatnonzero(~column).max(initial=-1)) for column in within.T]
        return [last + 2 if last + 2 <= len(within) else None for last in last_outside]


def rank_chosen_operations(trace: SearchTrace, *, genotype: Genotype | None = None) -> TopK:
    """Rank the finally chosen operations on their edges in every epoch.

    ``none`` is left out of the ranking, since it can never be chosen (our choice). A tie counts
    against the chosen operation, so that equal probabilities at the start are not taken for
    knowledge. Once an edge is pruned to k operations its choice is in the top k by construction:
    only a search without pruning shows how early the choice could have been known.

    Args:
        trace: of a cell search.
        genotype: the cell that the search wrote; that of the last epoch if None.

    Raises:
        ValueError: if the trace is not that of a cell search, or the genotype of another space.
    """
    chosen = chosen_operations(final_cell(trace, genotype))
    edges = [trace.edges.index(TracedEdge(c.level, c.node, c.input)) for c in chosen]
    operations = [trace.operations.index(c.operation) for c in chosen]
    own = trace.probability[:, edges, operations]
    rivals = trace.probability[:, edges, :].copy()
    rivals[:, :, np.array(trace.operations) == "none"] = -1.0
    # The operation itself is among the rivals: it adds the 1 that makes a count a rank.
    return TopK(tuple(chosen), (rivals >= own[:, :, None]).sum(axis=2))


def write_top_k(trace: SearchTrace, path: str | Path, *, genotype: Genotype | None = None) -> Path:
    """Write the analysis as JSON.

    For each chosen operation and k: ``first_epoch`` in the top k and ``stays_from_epoch``, the
    first from which it stays there to the end; ``fraction_by_epoch`` for each k; and
    ``all_from_epoch``, from which all chosen operations stay within the top k.

    Raises:
        ValueError: see ``rank_chosen_operations``.
    """
    result = rank_chosen_operations(trace, genotype=genotype)
    first = {k: result.first_epochs(k) for k in KS}
    stays = {k: result.stays_from_epochs(k) for k in KS}
    content = {
        "epochs": len(trace.epochs),
        "all_from_epoch": {f"top_{k}": _latest(stays[k]) for k in KS},
        "fraction_by_epoch": {f"top_{k}": result.fraction(k).tolist() for k in KS},
        "chosen": [
            {
                "level": c.level,
                "node": c.node,
                "input": c.input,
                "operation": c.operation,
                **{
                    f"top_{k}": {
                        "first_epoch": first[k][index],
                        "stays_from_epoch": stays[k][index],
                    }
                    for k in KS
                },
            }
            for index, c in enumerate(result.chosen)
        ],
    }
    write_json(path, content)
    return Path(path)


def _latest(epochs: list[int | None]) -> int | None:
    known = [epoch for epoch in epochs if epoch is not None]
    return max(known) if known and len(known) == len(epochs) else None


def draw_top_k(
    trace: SearchTrace, out_png: str | Path, *, genotype: Genotype | None = None
) -> Path:
    """Draw the fraction of chosen operations within the top 1, 2 and 3 by epoch.

    A dotted line marks the epoch from which all of them stay within the top k.

    Raises:
        ValueError: see ``rank_chosen_operations``.
    """
    result = rank_chosen_operations(trace, genotype=genotype)
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    # The wide lines first, so that none hides another where they agree.
    for k, colour in reversed(list(zip(KS, PALETTE, strict=False))):
        latest = _latest(result.stays_from_epochs(k))
        label = f"top {k}" if latest is None else f"top {k}: all from epoch {latest}"
        axes.step(
            trace.epochs,
            result.fraction(k),
            where="mid",
            color=colour,
            lw=0.8 + 0.9 * k,
            label=label,
        )
        if latest is not None:
            axes.axvline(latest, color=colour, lw=1, ls=":")
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(0.5, len(trace.epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("chosen operations within the top k")
    axes.set_title(
        f"When the {len(result.chosen)} finally chosen operations led their edge",
        loc="left",
        fontsize=10,
        color=DARK,
    )
    axes.grid(color=LIGHT, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=True, framealpha=1, edgecolor=LIGHT, fontsize=9)
    if not result.chosen:
        axes.set_title("No cell was found: no operation was chosen", loc="left", fontsize=10)
    return write_png(figure, out_png)
