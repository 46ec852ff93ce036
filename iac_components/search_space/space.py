"""Search space: the set of cells that can be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "CELL_INPUTS",
    "DEFAULT_OPERATIONS",
    "NONE_OPERATION",
    "SITES",
    "Edge",
    "EdgeSpace",
    "SearchSpace",
    "edges_of_present_nodes",
    "present_nodes",
]

CELL_INPUTS = ("skip", "gate")
"""A cell's inputs: the encoder's skip feature and the coarser decoder feature."""

SITES = ("skips", "bottleneck", "decoder")
"""Places for cells: the skip connections, the coarsest feature, which the decoder starts from, and
the outputs of the decoder's blocks."""

NONE_OPERATION = "none"
"""Operation without output, which competes in the search and is never chosen."""

DEFAULT_OPERATIONS = (
    NONE_OPERATION,
    "skip_connect",
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The operations of PC-DARTS (arXiv 1907.05737)."""


class Edge(NamedTuple):
    """A connection of a cell: from ``input`` (by name) into intermediate node ``node``."""

    node: int
    input: str


class EdgeSpace(Protocol):
    """Search space as a trace and the pruning rules see it: levels of E edges into N nodes."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the O candidate operations of every edge."""
        ...

    @property
    def levels(self) -> int:
        """Copies of the graph that are chosen separately."""
        ...

    @property
    def num_nodes(self) -> int:
        """Nodes that edges end in."""
        ...

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges of a level, grouped by node."""
        ...

    @property
    def none_index(self) -> int | None:
        """Position of the operation ``none``, if there is one."""
        ...

    def inputs_of(self, node: int) -> tuple[str, ...]:
        """Names of the possible inputs of ``node``, in the order of its edges."""
        ...

    def edges_of(self, node: int) -> slice:
        """Return the rows of :attr:`edges` that end in ``node``."""
        ...


@dataclass(frozen=True)
class SearchSpace:
    """The set of cells that a search chooses from.

    Attributes:
        spatial_dims: 2 or 3.
        operations: names of the candidate operations of every edge, in the order of the alphas.
        num_nodes: intermediate nodes of a cell; each is fed by every earlier state.
        channel_divisor: K of the partial channels: 1/K of the channels pass the operations.
        levels: number of separate cells found: 1 (all skip levels share one genotype) or the
            number of places for cells in the backbone.
        sites: which places have cells, out of ``SITES``; brought into their order.

    Raises:
        ValueError: if a field is out of range; the message names the field.
    """

    spatial_dims: int
    operations: tuple[str, ...] = DEFAULT_OPERATIONS
    num_nodes: int = 4
    channel_divisor: int = 4
    levels: int = 1
    sites: tuple[str, ...] = ("skips",)

    def __post_init__(self) -> None:
        if self.spatial_dims not in (2, 3):
            raise ValueError(f"search_space.spatial_dims must be 2 or 3, got {self.spatial_dims}.")
        if len(set(self.operations)) != len(self.operations):
            raise ValueError(f"search_space.operations has duplicates: {list(self.operations)}.")
        if not set(self.operations) - {NONE_OPERATION}:
            raise ValueError("search_space.operations needs an operation other than 'none'.")
        for field, value in (
            ("num_nodes", self.num_nodes),
            ("K", self.channel_divisor),
            ("levels", self.levels),
        ):
            if value < 1:
                raise ValueError(f"search_space.{field} must be at least 1, got {value}.")
        known = [site for site in SITES if site in self.sites]
        if not known or sorted(known) != sorted(self.sites):
            raise ValueError(
                f"search_space.sites must hold some of {list(SITES)}, each once, got "
                f"{list(self.sites)}."
            )
        # One order, so that equal spaces are equal and give equal digests.
        object.__setattr__(self, "sites", tuple(known))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges of a cell, grouped by node; the row order of alphas and betas."""
        return tuple(
            Edge(node, name) for node in range(self.num_nodes) for name in self.inputs_of(node)
        )

    @property
    def none_index(self) -> int | None:
        """Position of the ``none`` operation, or None if the space has none."""
        return self.operations.index(NONE_OPERATION) if NONE_OPERATION in self.operations else None

    def inputs_of(self, node: int) -> tuple[str, ...]:
        """Names of the possible inputs of ``node``, in the order of its edges."""
        return (*CELL_INPUTS, *(f"node_{earlier}" for earlier in range(node)))

    def edges_of(self, node: int) -> slice:
        """Return the rows of :attr:`edges` that end in ``node``."""
        start = sum(len(CELL_INPUTS) + earlier for earlier in range(node))
        return slice(start, start + len(CELL_INPUTS) + node)


BoolArray = npt.NDArray[np.bool_]


def present_nodes(space: SearchSpace, edges: BoolArray) -> BoolArray:
    """Tell which nodes (..., N) have an input among the living edges (..., E)."""
    inputs = [edges[..., space.edges_of(node)].any(axis=-1) for node in range(space.num_nodes)]
    return np.stack(inputs, axis=-1)


def edges_of_present_nodes(space: SearchSpace, edges: BoolArray) -> BoolArray:
    """Return the living edges (..., E) without those that come from a node without an input.

    A node may lose its last input by that, and is then gone too.
    """
    result = edges.copy()
    for node in range(space.num_nodes):  # in their order, since edges lead from earlier to later
        present = result[..., space.edges_of(node)].any(axis=-1)
        for row, edge in enumerate(space.edges):
            if edge.input == f"node_{node}":
                result[..., row] &= present
    return result
