"""Pruning by stability in the topology search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.searching.path_pruning import prune_paths
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.pruning import check_schedule
from iac_components.search.stability_pruning.stability import BoolArray, StabilityCriterion
from iac_components.search.stability_pruning.stability_handler import (
    EpochStatistics,
    StabilityHandler,
)

__all__ = ["DintsPruningHandler"]


class DintsPruningHandler(StabilityHandler[DintsSearchNetwork]):
    """Trace the distributions; prune what has settled; end when one architecture is left.

    The idea of IAC-LTH (arXiv 2604.14849) on a space that nobody has tried it on: the criterion
    judges the operations of each path, and each path's own probability of being there. With an
    empty schedule and ``path_pruning`` off nothing is pruned: the search of DiNTS, traced.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: judges stability; may be swapped for any other rule.
        budget: what the architecture may need; pruning keeps one that fits.
        keep_schedule: falling counts of operations that a stable path keeps; 1 at least.
        path_pruning: drop stable paths that are unlikely and that decoding does not use.
        trace_file: where to write the trace after every epoch; None writes nothing.

    Raises:
        ValueError: if the schedule does not fall, or falls below 1.
    """

    def __init__(
        self,
        network: DintsSearchNetwork,
        trace: SearchTrace,
        criterion: StabilityCriterion,
        *,
        budget: MemoryBudget | None = None,
        keep_schedule: Sequence[int] = (),
        path_pruning: bool = False,
        trace_file: str | Path | None = None,
    ) -> None:
        super().__init__(network, trace, criterion, trace_file=trace_file)
        self.budget = budget
        self.keep_schedule = check_schedule("keep_schedule", keep_schedule, least=1)
        self.path_pruning = path_pruning

    @property
    def decided(self) -> bool:
        """True once a single architecture is left."""
        alive = self.living()
        # Decoding takes time, and cannot decide what has two operations on a path.
        if not self._prunes or (alive.sum(axis=-1) > 1).any():
            return False
        return self.network.decode(self.budget).fills(alive)

    @property
    def _prunes(self) -> bool:
        return bool(self.keep_schedule) or self.path_pruning

    def prune(self, statistics: EpochStatistics) -> BoolArray:
        """See :meth:`StabilityHandler.prune`."""
        if not self._prunes:
            return statistics.alive
        history = self.trace.presence_history(statistics.edge_weights, statistics.alive)
        paths = self.criterion.decide(history).stable.reshape(statistics.stable.shape)
        return prune_paths(
            self.network.decode(self.budget),
            statistics.probabilities,
            statistics.edge_weights,
            alive=statistics.alive,
            stable_operations=statistics.stable,
            stable_paths=paths if self.path_pruning else None,
            schedule=self.keep_schedule,
        )
