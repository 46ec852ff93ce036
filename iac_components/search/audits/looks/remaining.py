"""Living part of a supernet, as it is or without some of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iac_components.search.evidence.parts import Part
from iac_components.search.stability_pruning.stability import BoolArray
from iac_components.search_space.space import SearchSpace

__all__ = ["CELL", "NONE", "OFF", "Remaining"]

CELL, NONE, OFF = 0, 1, 2
"""Treatments of a place: it has a cell, its feature passes as it is, or gives zeros."""


@dataclass(frozen=True)
class Remaining:
    """Living parts of a supernet of L levels of weights and n places for cells.

    Attributes:
        space: the search space; of one level, all places share it, else each has its own.
        alive: (L, E, O) which operations live.
        treatments: (n,) ``CELL``, ``NONE`` or ``OFF``.
    """

    space: SearchSpace
    alive: BoolArray
    treatments: npt.NDArray[np.int64]

    @property
    def cells(self) -> list[int]:
        """Places that have a cell."""
        places = np.flatnonzero(self.treatments == CELL).tolist()
        return [place for place in places if self.alive[self._row(place)].any()]

    @property
    def rows(self) -> list[int]:
        """Levels of the weights that a cell uses."""
        return sorted({self._row(place) for place in self.cells})

    def nodes(self, row: int) -> list[int]:
        """Nodes that have an input."""
        return [node for node in range(self.space.num_nodes) if self.inputs(row, node)]

    def inputs(self, row: int, node: int) -> list[int]:
        """Living edges into a node, by their row in the space."""
        edges = self.space.edges_of(node)
        found: list[int] = np.flatnonzero(self.alive[row, edges].any(axis=-1)).tolist()
        return [edges.start + offset for offset in found]

    def operations(self, row: int, edge: int) -> list[int]:
        """Living operations of an edge, by their column."""
        found: list[int] = np.flatnonzero(self.alive[row, edge]).tolist()
        return found

    def without(self, parts: Iterable[Part]) -> Remaining:
        """Return the rest without some parts.

        A node without inputs is gone, with what it feeds; a level without nodes has no cell, and
        the weights of a level without a cell are gone.
        """
        alive, treatments = self.alive.copy(), self.treatments.copy()
        for part in parts:
            if part.kind == "operation":
                alive[part.level, part.index, part.column] = False
            elif part.kind == "edge":
                alive[part.level, part.index] = False
            elif part.kind == "node":
                alive[part.level, self.space.edges_of(part.index)] = False
            else:
                treatments[part.level] = NONE if part.kind == "cell" else OFF
        for node in range(self.space.num_nodes):
            outgoing = [
                row for row, edge in enumerate(self.space.edges) if edge.input == f"node_{node}"
            ]
            for row in np.flatnonzero(~alive[:, self.space.edges_of(node)].any(axis=(1, 2))):
                alive[row, outgoing] = False
        for place in np.flatnonzero(treatments == CELL):
            if not alive[self._row(int(place))].any():
                treatments[place] = NONE
        left = Remaining(self.space, alive, treatments)
        alive[[row for row in range(len(alive)) if row not in left.rows]] = False
        return left

    def _row(self, place: int) -> int:
        return 0 if self.space.levels == 1 else place
