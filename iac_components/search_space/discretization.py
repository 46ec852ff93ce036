"""From the distributions of a search to the discrete cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from iac_components.search_space.genotype import Genotype, KeptEdge, NodeGenotype
from iac_components.search_space.space import SearchSpace

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
    provenance: Mapping[str, object] | None = None,
) -> Genotype:
    """Keep the two best inputs of each node, each with its best operation.

    Args:
        space: the search space of L levels, E edges and O operations.
        probabilities: (L, E, O) softmax of the alphas; zero where pruned.
        edge_weights: (L, E) softmax of the betas over each node's inputs; zero where removed.
        provenance: JSON values kept with the genotype.

    Returns:
        The genotype. Ties go to the earlier edge and the earlier operation.

    Raises:
        ValueError: if a shape does not fit the space or a value is not finite.
    """
    expected = (space.levels, len(space.edges), len(space.operations))
    if probabilities.shape != expected or edge_weights.shape != expected[:2]:
        raise ValueError(
            f"expected probabilities {expected} and edge weights {expected[:2]}, got "
            f"{probabilities.shape} and {edge_weights.shape}."
        )
    if not (np.isfinite(probabilities).all() and np.isfinite(edge_weights).all()):
        raise ValueError("probabilities and edge weights must be finite to be discretized.")
    scores = edge_scores(space, probabilities, edge_weights)
    nodes = tuple(
        _discrete_node(space, level, node, probabilities[level], scores[level])
        for level in range(space.levels)
        for node in range(space.num_nodes)
    )
    return Genotype(space, nodes, provenance or {})


def _discrete_node(
    space: SearchSpace,
    level: int,
    node: int,
    probabilities: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
) -> NodeGenotype:
    rows = np.arange(len(space.edges))[space.edges_of(node)]
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
