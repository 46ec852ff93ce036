"""The cell a search arrived at, worked out from its trace alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.visualization.trace_file import Trace

__all__ = ["ChosenOperation", "chosen_operations"]

INPUTS_PER_NODE = 2


@dataclass(frozen=True)
class ChosenOperation:
    """An edge of a discrete cell: ``operation`` on ``input``, into ``node`` at ``level``."""

    level: int
    node: int
    input: str
    operation: str


def chosen_operations(trace: Trace) -> list[ChosenOperation]:
    """Discretize the last epoch of a trace.

    Each node keeps the two inputs with the largest ``max over o != none of p(o) * edge_weight``
    among living operations, each with that operation (Xu et al., PC-DARTS, ICLR 2020). On a tie
    the earlier in the file wins.

    ``p`` is the mean over the last epoch, with the digits that the file has.

    Returns:
        Two chosen operations at most for each level and node, in order of level, node and edge;
        none for a node that the search took away.
    """
    allowed = trace.active[-1] & (np.array(trace.operations) != "none")
    strength = np.where(allowed, trace.probability[-1] * trace.edge_weight[-1][:, None], -1.0)
    best = strength.max(axis=1)
    chosen: list[ChosenOperation] = []
    for level, node in sorted({(edge.level, edge.node) for edge in trace.edges}):
        edges = [
            index
            for index, edge in enumerate(trace.edges)
            if (edge.level, edge.node) == (level, node) and best[index] >= 0
        ]
        kept = sorted(sorted(edges, key=lambda index: -best[index])[:INPUTS_PER_NODE])
        chosen += [
            ChosenOperation(
                level,
                node,
                trace.edges[index].input,
                trace.operations[int(strength[index].argmax())],
            )
            for index in kept
        ]
    return chosen
