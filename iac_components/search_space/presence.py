"""Nodes without an input: their outputs carry nothing and go with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iac_components.search_space.space import SearchSpace

__all__ = ["edges_of_present_nodes", "present_nodes"]

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
