"""The paths of a DiNTS search over its epochs, from its trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iac_components.dints import DintsArchitecture, DintsSpace
from iac_components.search import SearchTrace

__all__ = ["PathTrace", "require_same_space", "trace_paths"]


@dataclass(frozen=True, eq=False)
class PathTrace:
    """T epochs of L blocks of P paths.

    Attributes:
        epochs: (T,) 1, 2, ... T.
        space: blocks and depths; what else a space has, a trace does not tell.
        rows: (L, P) the index of each path in the trace's edges.
        probability: (T, L, P), 0 once the path is pruned.
        alive: (T, L, P) True while the path has an operation left.
    """

    epochs: NDArray[np.int64]
    space: DintsSpace
    rows: NDArray[np.int64]
    probability: NDArray[np.float64]
    alive: NDArray[np.bool_]

    @property
    def num_blocks(self) -> int:
        """L."""
        return self.space.num_blocks

    @property
    def num_depths(self) -> int:
        """D resolutions, 0 the finest."""
        return self.space.num_depths

    @property
    def paths(self) -> tuple[tuple[int, int], ...]:
        """(source depth, target depth) of the P paths of a block."""
        return self.space.paths


def trace_paths(trace: SearchTrace) -> PathTrace:
    """Return the paths of a trace.

    Raises:
        ValueError: naming the column at fault if the trace is not that of a DiNTS search: an input
            that is no ``depth_<n>``, or a path that is impossible or missing.
    """
    for edge in trace.space.edges:
        if not edge.input.startswith("depth_"):
            raise ValueError(
                f"column 'input' holds '{edge.input}', not depth_<n>: not the trace of a DiNTS "
                "search"
            )
    space = DintsSpace(num_blocks=trace.space.levels, num_depths=trace.space.num_nodes)
    for edge in sorted(set(trace.space.edges) ^ set(space.edges))[:1]:
        holds = "lacks" if edge in space.edges else "holds"
        raise ValueError(
            f"column 'input' {holds} {edge.input} at node {edge.node}: a DiNTS search has the "
            "paths between equal and neighbouring depths"
        )
    order = [trace.space.edges.index(edge) for edge in space.edges]
    rows = len(order) * np.arange(space.num_blocks)[:, None] + order
    return PathTrace(
        epochs=trace.epochs,
        space=space,
        rows=rows,
        probability=trace.edge_weight[:, rows],
        alive=np.asarray(trace.active[:, rows].any(axis=-1)),
    )


def require_same_space(paths: PathTrace, topology: DintsArchitecture | None) -> None:
    """Raise unless a trace and an architecture have the same blocks and depths.

    Raises:
        ValueError: giving both sizes.
    """
    if topology is None:
        return
    traced = paths.num_blocks, paths.num_depths
    chosen = topology.space.num_blocks, topology.space.num_depths
    if traced != chosen:
        raise ValueError(
            f"the architecture has {chosen[0]} blocks of {chosen[1]} depths, the trace "
            f"{traced[0]} of {traced[1]}: pass files of the same search"
        )
