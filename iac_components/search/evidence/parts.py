"""Parts of a supernet, and the weights of its cells without one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from iac_components.search.stability_pruning.stability import BoolArray
from iac_components.search_space.architecture import CellWeights
from iac_components.search_space.genotype import TREATMENTS
from iac_components.search_space.space import NONE_OPERATION, SearchSpace, present_nodes

__all__ = ["PART_KINDS", "Part", "living_parts", "weights_without"]

PART_KINDS = ("operation", "edge", "node", "cell", "skip")


@dataclass(frozen=True)
class Part:
    """Part of a supernet that a look leaves out.

    Attributes:
        kind: one of ``PART_KINDS``; ``path`` of a topology.
        level: row of the architecture weights; of a cell, the level of the network that loses it,
            and of a skip, the level whose skip is replaced by zeros.
        index: row of the edge, or number of the node; 0 for a cell and a skip.
        column: column of the operation; 0 for the others.
    """

    kind: str
    level: int
    index: int = 0
    column: int = 0


def living_parts(
    space: SearchSpace,
    alive: BoolArray,
    *,
    kinds: Sequence[str] = PART_KINDS,
    cells: int = 0,
    skips: int = 0,
    treatments: Sequence[int] | None = None,
) -> list[Part]:
    """List the parts that can be left out.

    An operation that is alone on its edge is that edge, and ``none`` gives nothing to lose: neither
    is listed.

    Args:
        space: the search space of L levels, E edges and O operations.
        alive: (L, E, O) which operations live.
        kinds: which kinds of parts.
        cells: number of levels that may have a cell.
        skips: number of levels, the first, that have a skip to switch off.
        treatments: of each of these levels, as a position in ``TREATMENTS``: what has gone is not
            listed. By default all have cells.

    Raises:
        ValueError: if a kind is unknown.
    """
    unknown = sorted(set(kinds) - set(PART_KINDS))
    if unknown:
        raise ValueError(f"parts of kind {unknown} are unknown. Known: {', '.join(PART_KINDS)}.")
    codes = [0] * max(cells, skips) if treatments is None else treatments
    treated = [TREATMENTS[code] for code in codes]
    found: dict[str, Iterable[Part]] = {
        "operation": _operations(space, alive),
        "edge": (
            Part("edge", level, row) for level, row in _positions(np.asarray(alive.any(axis=-1)))
        ),
        "node": (
            Part("node", level, node)
            for level, node in _positions(present_nodes(space, np.asarray(alive.any(axis=-1))))
        ),
        "cell": (Part("cell", n) for n in range(cells) if treated[n] == "cell"),
        "skip": (Part("skip", n) for n in range(skips) if treated[n] != "off"),
    }
    return [part for kind in kinds for part in found[kind]]


def weights_without(part: Part, weights: CellWeights, *, space: SearchSpace) -> CellWeights:
    """Return the weights of all cells without ``part``; the others share its weight.

    Operations share within their edge and edges within their node, as the softmax would without
    it. A node's own inputs get nothing, so that its state is zero, and so do its outputs; a node
    that has lost its last input goes in the same way. The only operation of an edge leaves nothing
    behind. For a cell and a skip the weights stay as they are: these are left out as a whole.

    Args:
        part: to leave out.
        weights: ``operations`` (L, E, O) and ``edges`` (L, E) as the supernet has them.
        space: the search space.
    """
    operations, edges = weights.operations.clone(), weights.edges.clone()
    if part.kind == "operation":
        row = operations[part.level, part.index]
        row[part.column] = 0
        _fill_up(row)
    elif part.kind == "edge":
        _drop_edges(edges[part.level], [part.index], space)
    elif part.kind == "node":
        incoming = range(len(space.edges))[space.edges_of(part.index)]
        _drop_edges(edges[part.level], incoming, space)
    return CellWeights(operations, edges)


def _operations(space: SearchSpace, alive: BoolArray) -> Iterator[Part]:
    for level, row in _positions(alive.sum(axis=-1) > 1):
        for column, name in enumerate(space.operations):
            if alive[level, row, column] and name != NONE_OPERATION:
                yield Part("operation", level, row, column)


def _positions(mask: BoolArray) -> Iterator[tuple[int, int]]:
    levels, rows = mask.nonzero()
    yield from zip(levels.tolist(), rows.tolist(), strict=True)


def _drop_edges(edges: torch.Tensor, rows: Iterable[int], space: SearchSpace) -> None:
    """Zero some of a level's edges (E,) and scale up the other inputs of their nodes."""
    dropped = set(rows)
    for node in range(space.num_nodes):
        own = range(len(space.edges))[space.edges_of(node)]
        if dropped.isdisjoint(own):
            continue
        edges[[row for row in own if row in dropped]] = 0
        group = edges[space.edges_of(node)]
        if group.any():
            _fill_up(group)
        else:  # later nodes lose what came from this one
            name = f"node_{node}"
            dropped |= {row for row, edge in enumerate(space.edges) if edge.input == name}


def _fill_up(group: torch.Tensor) -> None:
    """Normalise a group's sum to one, unless nothing is left of it."""
    total = group.sum()
    if total > 0:
        group /= total
