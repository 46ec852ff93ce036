"""A supernet that is a formula: what each part is worth is known, and looking costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from iac_components.search.audits.looks import AuditLog, AuditSettings, Remaining, StagedAudit
from iac_components.search.audits.looks.staged import Ready
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
COSTS = np.array([0.0, 0.0, 5.0, 4.0])


class World:
    """Patients whose loss is a function of what is left.

    Args:
        worth: loss that the living parts take off, of a :class:`Remaining`.
        space: of the supernet.
        places: for cells.
        patients: how many.
        noise: standard deviation of each patient's loss in each state.
    """

    def __init__(
        self,
        worth: Callable[[Remaining], float],
        *,
        space: SearchSpace | None = None,
        places: int = 4,
        patients: int = 20,
        noise: float = 1e-4,
        settings: AuditSettings | None = None,
    ) -> None:
        self.worth = worth
        self.space = space or SearchSpace(2, operations=OPERATIONS)
        shape = (self.space.levels, len(self.space.edges), len(self.space.operations))
        self.remaining = Remaining(
            self.space, np.ones(shape, dtype=bool), np.zeros(places, dtype=np.int64)
        )
        self.patients, self.noise = patients, noise
        self.log = AuditLog(self.space)
        self.settings = settings or AuditSettings(every=1, warmup_epochs=0)
        self.audit = StagedAudit(
            self.measure, self.settings, costs=COSTS, skips=places, log=self.log
        )
        self.asked: list[Sequence[tuple[Part, ...]]] = []

    def measure(self, bundles: Sequence[tuple[Part, ...]]) -> np.ndarray:
        self.asked.append(list(bundles))
        rows = []
        for bundle in bundles:
            left = self.remaining.without(bundle)
            key = [*left.alive.ravel().astype(int), *left.treatments]
            generator = np.random.default_rng([int(k) for k in key])
            rows.append(1.0 - self.worth(left) + self.noise * generator.normal(size=self.patients))
        return np.array(rows)

    def look(self, epoch: int, *, ready: Ready | None = None, thorough: bool = False) -> Remaining:
        number = self.settings.look_after(epoch)
        assert number is not None
        self.remaining = self.audit.look(
            self.remaining, epoch=epoch, number=number, ready=ready, thorough=thorough
        )
        return self.remaining

    def run(self, epochs: int) -> int:
        """Look after every epoch until all is settled; returns the last epoch."""
        for epoch in range(1, epochs + 1):
            self.look(epoch)
            if not self.remaining.cells or self.audit.is_settled(self.remaining):
                return epoch
        return epochs


def nothing(remaining: Remaining) -> float:
    return 0.0


def first_node(remaining: Remaining) -> float:
    """A separable convolution of the skip into the first node of every cell."""
    column = OPERATIONS.index("sep_conv_3x3")
    return 0.05 * len(remaining.cells) * any(remaining.alive[row, 0, column] for row in [0])
