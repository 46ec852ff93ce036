"""The paths of a DiNTS search over its epochs, from its trace."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iac_components.visualization.trace_file import Trace

__all__ = ["PathTrace", "possible_paths", "trace_paths"]


@dataclass(frozen=True, eq=False)
class PathTrace:
    """T epochs of L blocks of P paths.

    Attributes:
        epochs: (T,) 1, 2, ... T.
        num_blocks: L.
        num_depths: D resolutions, 0 the finest.
        rows: (L, P) the index of each path in the trace's edges.
        probability: (T, L, P), 0 once the path is pruned.
        alive: (T, L, P) True while the path has an operation left.
    """

    epochs: NDArray[np.int64]
    num_blocks: int
    num_depths: int
    rows: NDArray[np.int64]
    probability: NDArray[np.float64]
    alive: NDArray[np.bool_]

    @property
    def paths(self) -> tuple[tuple[int, int], ...]:
        """(source depth, target depth) of the P paths of a block."""
        return possible_paths(self.num_depths)


def possible_paths(num_depths: int) -> tuple[tuple[int, int], ...]:
    """Return (source depth, target depth) of the 3 D - 2 paths of a block, in MONAI's order."""
    return tuple(
        (source, target)
        for target in range(num_depths)
        for source in range(max(target - 1, 0), min(target + 2, num_depths))
    )


def trace_paths(trace: Trace) -> PathTrace:
    """Return the paths of a trace.

    Raises:
        ValueError: naming the column at fault if the trace is not that of a DiNTS search: an input
            that is no ``depth_<n>``, or a path that is impossible or missing.
    """
    found: dict[tuple[int, int, int], int] = {}
    for row, edge in enumerate(trace.edges):
        name = re.fullmatch(r"depth_(\d{1,3})", edge.input, re.ASCII)
        if name is None:
            raise ValueError(
                f"column 'input' holds '{edge.input}', not depth_<n>: not the trace of a DiNTS "
                "search"
            )
        found[edge.level, int(name[1]), edge.node] = row
    num_blocks = _count("level", {edge.level for edge in trace.edges})
    num_depths = _count("node", {edge.node for edge in trace.edges})
    paths = possible_paths(num_depths)
    possible = {(block, source, target) for block in range(num_blocks) for source, target in paths}
    for block, source, target in sorted(possible ^ set(found))[:1]:
        holds = "holds" if (block, source, target) in found else "lacks"
        raise ValueError(
            f"column 'input' {holds} depth_{source} at level {block}, node {target}: every level "
            "of a DiNTS search has the paths between equal and neighbouring depths"
        )
    rows = np.array(
        [[found[block, source, target] for source, target in paths] for block in range(num_blocks)]
    )
    return PathTrace(
        epochs=trace.epochs,
        num_blocks=num_blocks,
        num_depths=num_depths,
        rows=rows,
        probability=trace.edge_weight[:, rows],
        alive=np.asarray(trace.active[:, rows].any(axis=-1)),
    )


def _count(column: str, values: set[int]) -> int:
    if values != set(range(len(values))):
        raise ValueError(
            f"column '{column}' holds up to {max(values)} with gaps; they must be 0, 1, 2, ..."
        )
    return len(values)
