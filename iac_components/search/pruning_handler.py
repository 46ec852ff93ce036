"""Pruning by stability, as an Ignite handler: it holds no maths, the criterion holds no engine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.ranks import is_first_rank, require_same
from iac_components.search.pruned_optimizer import forget_parameters
from iac_components.search.pruning import (
    check_schedule,
    is_decided,
    prune_edges,
    prune_operations,
)
from iac_components.search.stability import BoolArray, FloatArray, StabilityCriterion
from iac_components.search.trace import SearchTrace
from iac_components.search_space.discretization import INPUTS_PER_NODE, edge_scores

__all__ = ["StabilityPruningHandler"]


class StabilityPruningHandler:
    """Watch the distributions, prune what has settled, end the search when one cell is left.

    After each epoch it asks the criterion about the operations of each edge and the input edges of
    each node, takes stable edges and nodes one step down their schedules, deletes the losers from
    the module tree and the optimizer, and writes ``search_trace.csv``. With both schedules empty
    nothing is pruned: that is the full-length search, traced alike.

    Several ranks each decide for themselves, from what must be equal to the bit; this is checked,
    and the first rank writes.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: judges stability; may be swapped for any other rule.
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
        keep_schedule: Sequence[int] = (5, 3, 2, 1),
        edge_schedule: Sequence[int] = (3, 2),
        trace_file: str | Path | None = None,
    ) -> None:
        self.network = network
        self.trace = trace
        self.criterion = criterion
        self.keep_schedule = check_schedule("keep_schedule", keep_schedule, least=1)
        self.edge_schedule = check_schedule("edge_schedule", edge_schedule, least=INPUTS_PER_NODE)
        self.trace_file = trace_file
        self._sums: list[torch.Tensor] | None = None
        self._steps = 0
        self._started = 0.0

    def attach(self, engine: Engine) -> None:
        """Listen to a search trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._accumulate)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._judge)

    @property
    def decided(self) -> bool:
        """Whether one genotype is left."""
        return is_decided(self.network.space, self._alive())

    def _alive(self) -> BoolArray:
        alive: BoolArray = self.network.architecture.alive.cpu().numpy()
        return alive

    def _reset(self, engine: Engine) -> None:
        self._sums = None
        self._steps = 0
        self._started = time.perf_counter()

    @torch.no_grad()
    def _accumulate(self, engine: Engine) -> None:
        # Summed where they are: a copy to the host each step would make a GPU wait.
        weights = [value.double() for value in self.network.architecture()]
        sums = self._sums or [torch.zeros_like(value) for value in weights]
        self._sums = [total + value for total, value in zip(sums, weights, strict=True)]
        self._steps += 1

    def _judge(self, engine: Engine) -> None:
        if self._sums is None:
            return
        probabilities, edge_weights = ((total / self._steps).cpu().numpy() for total in self._sums)
        alive = self._alive()
        require_same(
            b"".join(array.tobytes() for array in (probabilities, edge_weights, alive)),
            what=f"the architecture parameters after epoch {engine.state.epoch}",
            remedy="Use equal devices and library versions on all nodes, and resume.",
        )
        operations = self.criterion.decide(self.trace.operation_history(probabilities, alive))
        after = self._prune(probabilities, edge_weights, alive, operations.stable)
        if after.sum() < alive.sum():
            self.network.prune(torch.from_numpy(after))
            forget_parameters(engine.optimizer, self.network.weight_parameters())
        self.trace.append(
            probabilities=probabilities,
            edge_weights=edge_weights,
            divergence=operations.divergence.reshape(edge_weights.shape),
            alive=after,
            seconds=time.perf_counter() - self._started,
        )
        if self.trace_file is not None and is_first_rank():
            self.trace.write(self.trace_file)
        if self.decided:
            engine.terminate()

    def _prune(
        self,
        probabilities: FloatArray,
        edge_weights: FloatArray,
        alive: BoolArray,
        stable: BoolArray,
    ) -> BoolArray:
        space = self.network.space
        nodes = self.criterion.decide(self.trace.edge_history(edge_weights, alive))
        after = prune_operations(
            space,
            probabilities,
            alive=alive,
            stable=stable.reshape(edge_weights.shape),
            schedule=self.keep_schedule,
        )
        return prune_edges(
            space,
            edge_scores(space, probabilities, edge_weights),
            alive=after,
            stable=nodes.stable.reshape(len(alive), space.num_nodes),
            schedule=self.edge_schedule,
        )
