"""Living part of a topology supernet, as it is or without some of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from iac_components.dints.decoding import cheapest
from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.topology import ArchitectureError
from iac_components.dints.topology_grid import DintsSpace
from iac_components.search.evidence.parts import Part
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["RemainingTopology"]


@dataclass(frozen=True)
class RemainingTopology:
    """Living operations of L blocks of P paths.

    Attributes:
        space: the space.
        alive: (L, P, O) which operations live.
        budget: what an architecture may need; None bounds nothing.
    """

    space: DintsSpace
    alive: BoolArray
    budget: MemoryBudget | None = None

    @property
    def paths(self) -> list[Part]:
        """Living paths."""
        return [Part("path", *place) for place in np.argwhere(self.alive.any(axis=-1)).tolist()]

    def operations(self, path: Part) -> list[Part]:
        """Living operations of a path."""
        columns = np.flatnonzero(self.alive[path.level, path.index]).tolist()
        return [Part("operation", path.level, path.index, column) for column in columns]

    def without(self, parts: Iterable[Part]) -> RemainingTopology:
        """Return the rest without some parts, and without the paths that then lead nowhere."""
        alive = self.alive.copy()
        for part in parts:
            if part.kind == "operation":
                alive[part.level, part.index, part.column] = False
            else:
                alive[part.level, part.index] = False
        self._drop_dead_ends(alive, range(self.space.num_blocks), forward=True)
        self._drop_dead_ends(alive, reversed(range(self.space.num_blocks)), forward=False)
        return replace(self, alive=alive)

    @property
    def is_possible(self) -> bool:
        """True if an architecture within the budget is left."""
        costs = np.zeros(self.alive.shape) if self.budget is None else self.budget.memory.costs
        nodes = None if self.budget is None else self.budget.memory.node_costs
        try:
            least = cheapest(self.space, costs, self.alive, node_costs=nodes)
        except ArchitectureError:
            return False
        return self.budget is None or least <= self.budget.path_bytes

    def can_lose(self, *parts: Part) -> bool:
        """Return whether an architecture within the budget would be left without some parts."""
        return self.without(parts).is_possible

    def _drop_dead_ends(self, alive: BoolArray, blocks: Iterable[int], *, forward: bool) -> None:
        """Delete paths that begin in no living node, or, backward, that end in none."""
        nodes = set(range(self.space.num_depths))
        for block in blocks:
            following = set()
            for row, (source, target) in enumerate(self.space.paths):
                here, there = (source, target) if forward else (target, source)
                if here not in nodes:
                    alive[block, row] = False
                elif alive[block, row].any():
                    following.add(there)
            nodes = following
