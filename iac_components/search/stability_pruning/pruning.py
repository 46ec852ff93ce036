"""Pruning rules for stable operations and edges, as pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from iac_components.search.stability_pruning.stability import BoolArray, FloatArray
from iac_components.search_space.discretization import INPUTS_PER_NODE
from iac_components.search_space.space import EdgeSpace

__all__ = [
    "check_schedule",
    "is_decided",
    "keep_inputs",
    "next_count",
    "prune_edges",
    "prune_operations",
]


def check_schedule(name: str, schedule: Sequence[int], *, least: int) -> tuple[int, ...]:
    """Return the schedule if it falls strictly and ends no lower than ``least``.

    An empty schedule is allowed: nothing is ever pruned.

    Raises:
        ValueError: naming the schedule and the rule it breaks.
    """
    counts = tuple(schedule)
    if any(a <= b for a, b in pairwise(counts)) or min(counts, default=least) < least:
        raise ValueError(f"{name} must fall strictly to {least} or more, got {list(counts)}.")
    return counts


def next_count(schedule: Sequence[int], living: int) -> int:
    """Return the next lower count of the schedule, or ``living`` if there is none."""
    return max((count for count in schedule if count < living), default=living)


def prune_operations(
    space: EdgeSpace,
    probabilities: FloatArray,
    *,
    alive: BoolArray,
    stable: BoolArray,
    schedule: Sequence[int],
) -> BoolArray:
    """Take each stable edge one step down the schedule, dropping its least probable operations.

    An edge never loses its last operation other than ``none``: one that passes nothing is no edge.

    Args:
        space: the search space.
        probabilities: (L, E, O).
        alive: (L, E, O) the living operations.
        stable: (L, E) the edges that have settled.
        schedule: falling counts of operations to keep.

    Returns:
        The new mask (L, E, O), a subset of ``alive``.
    """
    result = alive.copy()
    for level, row in np.argwhere(stable & alive.any(axis=-1)):
        living = np.flatnonzero(alive[level, row])
        keep = next_count(schedule, len(living))
        if keep == len(living):
            continue
        ranked = living[np.argsort(-probabilities[level, row, living], kind="stable")]
        kept = list(ranked[:keep])
        if kept == [space.none_index]:
            kept = [index for index in ranked if index != space.none_index][:1]
        result[level, row] = False
        result[level, row, kept] = True
    return result


def prune_edges(
    space: EdgeSpace,
    scores: FloatArray,
    *,
    alive: BoolArray,
    stable: BoolArray,
    schedule: Sequence[int],
) -> BoolArray:
    """Take each stable node one step down the schedule, removing its lowest-scored edges.

    Two inputs stay, or all that a node has.

    Args:
        space: the search space.
        scores: (L, E) as discretization ranks them.
        alive: (L, E, O) the living operations.
        stable: (L, N) the nodes whose edge weights have settled.
        schedule: falling counts of input edges to keep.

    Returns:
        The new mask (L, E, O), a subset of ``alive``.
    """
    result = alive.copy()
    for level, node in np.argwhere(stable):
        rows = np.arange(len(space.edges))[space.edges_of(int(node))]
        living = np.array([row for row in rows if np.any(alive[level, row])], dtype=int)
        keep = max(next_count(schedule, len(living)), min(INPUTS_PER_NODE, len(living)))
        ranked = living[np.argsort(-scores[level, living], kind="stable")]
        result[level, ranked[keep:]] = False
    return result


def keep_inputs(
    space: EdgeSpace, *, alive: BoolArray, stable: BoolArray, keep: BoolArray
) -> BoolArray:
    """Remove the inputs that a criterion does not keep.

    Args:
        space: the search space of L levels and N nodes.
        alive: (L, E, O) the living operations.
        stable: (L*N,) the nodes that lose inputs.
        keep: (L*N, W) which of each node's inputs stay, padded to the widest node.

    Returns:
        The new mask (L, E, O), a subset of ``alive``.
    """
    result = alive.copy()
    for group in np.flatnonzero(stable):
        level, node = divmod(int(group), space.num_nodes)
        rows = np.arange(len(space.edges))[space.edges_of(node)]
        result[level, rows[~keep[group, : len(rows)]]] = False
    return result


def is_decided(space: EdgeSpace, alive: BoolArray) -> bool:
    """Return True once one genotype is left: two inputs a node at most, one operation an edge.

    A node without any input has been removed.
    """
    edges = np.asarray(alive.any(axis=-1))
    inputs = [edges[:, space.edges_of(node)].sum(axis=-1) for node in range(space.num_nodes)]
    return bool((np.stack(inputs) <= INPUTS_PER_NODE).all() and (alive.sum(axis=-1) <= 1).all())
