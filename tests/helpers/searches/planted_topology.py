"""A topology supernet that is a formula: what each part is worth is known, and looking is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from iac_components.dints import DintsSpace, MemoryBudget
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.dints.searching.topology_looks import TopologyLooks
from iac_components.search.audits.looks import AuditLog, AuditSettings, Ready
from iac_components.search.evidence.parts import Part

SPACE = DintsSpace(num_blocks=3, num_depths=2)
COSTS = np.array([0.0, 9.0, 5.0, 5.0, 5.0])
"""Of an identity, and of four convolutions."""


class World:
    """Patients whose loss is a function of what is left.

    Args:
        worth: loss that the living parts take off, of a :class:`RemainingTopology`.
        space: of the supernet.
        budget: what an architecture may need.
        noise: standard deviation of each patient's loss in each state.
        tolerance: loss that does not matter.
    """

    def __init__(
        self,
        worth: Callable[[RemainingTopology], float],
        *,
        space: DintsSpace = SPACE,
        budget: MemoryBudget | None = None,
        noise: float = 1e-4,
        tolerance: float = 0.003,
    ) -> None:
        self.worth, self.noise = worth, noise
        shape = (space.num_blocks, len(space.paths), len(space.operations))
        self.remaining = RemainingTopology(space, np.ones(shape, dtype=bool), budget)
        self.settings = AuditSettings(every=1, warmup_epochs=0, tolerance=tolerance)
        self.log = AuditLog(space)
        costs = np.broadcast_to(COSTS, shape)
        self.looks = TopologyLooks(self.measure, self.settings, costs=costs, log=self.log)
        self.asked: list[Sequence[tuple[Part, ...]]] = []

    def measure(self, bundles: Sequence[tuple[Part, ...]]) -> np.ndarray:
        self.asked.append(list(bundles))
        rows = []
        for bundle in bundles:
            left = self.remaining.without(bundle)
            generator = np.random.default_rng(left.alive.ravel().astype(int).tolist())
            rows.append(1.0 - self.worth(left) + self.noise * generator.normal(size=20))
        return np.array(rows)

    def look(self, epoch: int, *, ready: Ready | None = None) -> RemainingTopology:
        self.remaining = self.looks.look(self.remaining, epoch=epoch, number=epoch, ready=ready)
        return self.remaining

    def run(self, epochs: int = 60) -> int:
        """Look after every epoch until all is settled; returns the last epoch."""
        for epoch in range(1, epochs + 1):
            self.look(epoch)
            if self.looks.is_settled(self.remaining):
                return epoch
        return epochs
