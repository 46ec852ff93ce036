"""Discretization of a search's distributions to the discrete cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from iac_components.search_space.genotype import TREATMENTS, Genotype, KeptEdge, NodeGenotype
from iac_components.search_space.space import SearchSpace, edges_of_present_nodes

__all__ = ["INPUTS_PER_NODE", "discretize", "edge_scores", "random_genotype"]

INPUTS_PER_NODE = 2
"""Input edges that a node keeps (DARTS, PC-DARTS)."""


def edge_scores(
    space: SearchSpace,
    probabilities: npt.NDArray[np.float64],
    edge_weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Score each edge by its best operation: max softmax(alpha) x softmax(beta), ``none`` excluded.

    Args:
        space: the search space of E edges and O operations.
        probabilities: (..., E, O), zero where an operation was pruned.
        edge_weights: (..., E), zero where an edge was removed.

    Returns:
        Scores (..., E). Source: PC-DARTS (arXiv 1907.05737).
    """
    candidates = (
        np.delete(probabilities, space.none_index, axis=-1)
        if (space.none_index is not None)
        else probabilities
    )
    best: npt.NDArray[np.float64] = candidates.max(axis=-1) * edge_weights
    return best


def discretize(
    space: SearchSpace,
    probabilities: npt.NDArray[np.float64],
    *,
    edge_weights: npt.NDArray[np.float64],
    treatments: Iterable[int] | None = None,
    provenance: Mapping[str, object] | None = None,
) -> Genotype:
    """Keep the two best inputs of each node, each with its best operation.

    A node that has lost all inputs is left out, and so is each edge that comes from it.

    Args:
        space: the search space of L levels, E edges and O operations.
        probabilities: (L, E, O) softmax of the alphas; zero where pruned.
        edge_weights: (L, E) softmax of the betas over each node's inputs; zero where removed.
        treatments: of each level of the network, as a position in ``TREATMENTS``; all have cells by
            default.
        provenance: JSON values kept with the genotype.

    Returns:
        The genotype. Ties go to the earlier edge and the earlier operation.

    Raises:
        ValueError: if a shape does not fit the space, a value is not finite, or a treatment is
            none.
    """
    expected = (space.levels, len(space.edges), len(space.operations))
    if probabilities.shape != expected or edge_weights.shape != expected[:2]:
        raise ValueError(
            f"expected probabilities {expected} and edge weights {expected[:2]}, got "
            f"{probabilities.shape} and {edge_weights.shape}."
        )
    if not (np.isfinite(probabilities).all() and np.isfinite(edge_weights).all()):
        raise ValueError("probabilities and edge weights must be finite to be discretized.")
    treated = _levels_by_treatment(space, treatments)
    scores = edge_scores(space, probabilities, edge_weights)
    living = edges_of_present_nodes(space, probabilities.any(axis=-1) & (edge_weights != 0))
    nodes = tuple(
        _discrete_node(space, level, node, probabilities[level], scores[level], rows)
        for level in treated["cell"]
        for node in range(space.num_nodes)
        if (rows := _rows(space, node, living[level])).size
    )
    no_cell = treated["none"] if nodes and space.levels == 1 else ()
    return Genotype(space, nodes, provenance or {}, no_cell=no_cell, off=treated["off"])


def _levels_by_treatment(
    space: SearchSpace, treatments: Iterable[int] | None
) -> dict[str, tuple[int, ...]]:
    """Return the levels with each treatment; those with a cell are rows of the distributions."""
    codes = [0] * space.levels if treatments is None else [int(code) for code in treatments]
    if not set(codes) <= set(range(len(TREATMENTS))) or not codes:
        raise ValueError(f"treatments must be of 0 to {len(TREATMENTS) - 1}, got {codes}.")
    if space.levels > 1 and len(codes) != space.levels:
        raise ValueError(f"expected {space.levels} treatments, one a level, got {len(codes)}.")
    levels: dict[str, tuple[int, ...]] = {
        name: tuple(level for level, code in enumerate(codes) if TREATMENTS[code] == name)
        for name in TREATMENTS
    }
    return levels if space.levels > 1 else levels | {"cell": (0,) if levels["cell"] else ()}


def _rows(space: SearchSpace, node: int, living: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Rows of the living edges (E,) into a node."""
    rows = np.arange(len(space.edges))[space.edges_of(node)]
    return rows[living[rows]]


def _discrete_node(
    space: SearchSpace,
    level: int,
    node: int,
    probabilities: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
) -> NodeGenotype:
    best = sorted(rows[np.argsort(-scores[rows], kind="stable")[:INPUTS_PER_NODE]])
    kept = []
    for row in best:
        ranked = probabilities[row].copy()
        if space.none_index is not None:
            ranked[space.none_index] = -1.0
        kept.append(KeptEdge(space.edges[row].input, space.operations[int(ranked.argmax())]))
    return NodeGenotype(level, node, tuple(kept))


def random_genotype(
    space: SearchSpace, seed: int, *, provenance: Mapping[str, object] | None = None
) -> Genotype:
    """Draw a cell uniformly: the control that any found cell is compared with.

    Args:
        space: the search space.
        seed: of the draw; the same seed gives the same cell.
        provenance: JSON values kept with the genotype, beside kind and seed.
    """
    generator = np.random.default_rng(seed)
    shape = (space.levels, len(space.edges), len(space.operations))
    return discretize(
        space,
        generator.random(shape),
        edge_weights=generator.random(shape[:2]),
        provenance={"kind": "random", "seed": seed, **(provenance or {})},
    )
