"""Pruning by stability in the cell search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.pruning import (
    check_schedule,
    is_decided,
    keep_inputs,
    prune_edges,
    prune_operations,
)
from iac_components.search.stability_pruning.stability import BoolArray, StabilityCriterion
from iac_components.search.stability_pruning.stability_handler import (
    EpochStatistics,
    StabilityHandler,
)
from iac_components.search_space.discretization import INPUTS_PER_NODE, edge_scores

__all__ = ["StabilityPruningHandler"]


class StabilityPruningHandler(StabilityHandler[CellSearchNetwork]):
    """Watch the distributions, prune what has settled, end the search when one cell is left.

    After each epoch it asks the criterion about the operations of each edge and the input edges of
    each node, takes stable edges and nodes one step down their schedules, deletes the losers from
    the module tree and the optimizer, and writes ``search_trace.csv``. With both schedules empty
    nothing is pruned: that is the full-length search, traced alike.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: judges stability; may be swapped for any other rule.
        edge_criterion: judges the input edges of nodes; by default ``criterion`` does.
        keep_schedule: falling counts of operations that a stable edge keeps.
        edge_schedule: falling counts of inputs that a stable node keeps, 2 at least.
        trace_file: where to write the trace after every epoch; None writes nothing.

    Raises:
        ValueError: if a schedule does not fall, or falls too low.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        trace: SearchTrace,
        criterion: StabilityCriterion,
        *,
        edge_criterion: StabilityCriterion | None = None,
        keep_schedule: Sequence[int] = (5, 3, 2, 1),
        edge_schedule: Sequence[int] = (3, 2),
        trace_file: str | Path | None = None,
    ) -> None:
        super().__init__(network, trace, criterion, trace_file=trace_file)
        self.edge_criterion = edge_criterion or criterion
        self.keep_schedule = check_schedule("keep_schedule", keep_schedule, least=1)
        self.edge_schedule = check_schedule("edge_schedule", edge_schedule, least=INPUTS_PER_NODE)

    @property
    def decided(self) -> bool:
        """True once a single genotype is left."""
        return is_decided(self.network.space, self.living())

    def prune(self, statistics: EpochStatistics) -> BoolArray:
        """See :meth:`StabilityHandler.prune`."""
        space = self.network.space
        alive, weights = statistics.alive, statistics.edge_weights
        nodes = self.edge_criterion.decide(self.trace.edge_history(weights, alive))
        if statistics.keep is not None:
            after = alive & (statistics.keep | ~statistics.stable[..., None])
        else:
            after = prune_operations(
                space,
                statistics.probabilities,
                alive=alive,
                stable=statistics.stable,
                schedule=self.keep_schedule,
            )
        if nodes.keep is not None:
            return keep_inputs(space, alive=after, stable=nodes.stable, keep=nodes.keep)
        return prune_edges(
            space,
            edge_scores(space, statistics.probabilities, weights),
            alive=after,
            stable=nodes.stable.reshape(len(alive), space.num_nodes),
            schedule=self.edge_schedule,
        )
