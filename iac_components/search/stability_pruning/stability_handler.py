"""Ignite handler that watches a search's distributions and decides when to prune, not what."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from ignite.engine import Engine, Events
from torch import nn

from iac_components.common.ranks import is_first_rank, require_same
from iac_components.search.bilevel.pruned_optimizer import forget_parameters
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.stability import (
    BoolArray,
    FloatArray,
    StabilityCriterion,
)

__all__ = ["EpochStatistics", "Network", "PrunableNetwork", "StabilityHandler"]


class PrunableNetwork(Protocol):
    """A supernet of L levels with E edges of O operations each."""

    @property
    def alive(self) -> torch.Tensor:
        """(L, E, O) which operations still compete."""
        ...

    def distributions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the weights of operations (L, E, O) and edges (L, E)."""
        ...

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters that the weight optimizer trains."""
        ...

    def prune(self, alive: torch.Tensor) -> None:
        """Delete what ``alive`` (L, E, O) marks as dead from the module tree."""
        ...


@dataclass(frozen=True)
class EpochStatistics:
    """Statistics of an epoch.

    Attributes:
        probabilities: (L, E, O) means over the epoch's steps.
        edge_weights: (L, E) means over the epoch's steps.
        alive: (L, E, O) which operations compete.
        stable: (L, E) the edges whose operations have settled.
        keep: (L, E, O) the operations that stay of the stable edges, if the criterion says so.
    """

    probabilities: FloatArray
    edge_weights: FloatArray
    alive: BoolArray
    stable: BoolArray
    keep: BoolArray | None = None


Network = TypeVar("Network", bound=PrunableNetwork)


class StabilityHandler(ABC, Generic[Network]):
    """Average the distributions of each epoch, judge them, prune the losers, and trace it all.

    A subclass decides the removals (:meth:`prune`) and when one architecture is left
    (:attr:`decided`), which ends the run. It contains no maths, the criterion no engine.

    Several ranks each decide for themselves, from values that must be bit-identical; this is
    checked, and the first rank writes.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: judges stability; can be replaced by any other rule.
        trace_file: where to write the trace after every epoch; None writes nothing.
    """

    def __init__(
        self,
        network: Network,
        trace: SearchTrace,
        criterion: StabilityCriterion,
        *,
        trace_file: str | Path | None = None,
    ) -> None:
        self.network = network
        self.trace = trace
        self.criterion = criterion
        self.trace_file = trace_file
        self._sums: list[torch.Tensor] | None = None
        self._steps = 0
        self._started = 0.0

    @property
    @abstractmethod
    def decided(self) -> bool:
        """True once a single architecture is left."""

    @abstractmethod
    def prune(self, statistics: EpochStatistics) -> BoolArray:
        """Return the entries that stay alive (L, E, O), a subset of ``statistics.alive``."""

    def attach(self, engine: Engine) -> None:
        """Listen to a search trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._accumulate)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._judge)

    def living(self) -> BoolArray:
        """(L, E, O) which operations still compete."""
        alive: BoolArray = self.network.alive.cpu().numpy()
        return alive

    def _reset(self, engine: Engine) -> None:
        self._sums = None
        self._steps = 0
        self._started = time.perf_counter()

    @torch.no_grad()
    def _accumulate(self, engine: Engine) -> None:
        # Summed where they are: a copy to the host each step would make a GPU wait.
        weights = [value.double() for value in self.network.distributions()]
        sums = self._sums or [torch.zeros_like(value) for value in weights]
        self._sums = [total + value for total, value in zip(sums, weights, strict=True)]
        self._steps += 1

    def _judge(self, engine: Engine) -> None:
        if self._sums is None:
            return
        probabilities, edge_weights = ((total / self._steps).cpu().numpy() for total in self._sums)
        alive = self.living()
        require_same(
            b"".join(array.tobytes() for array in (probabilities, edge_weights, alive)),
            what=f"the architecture parameters after epoch {engine.state.epoch}",
            remedy="Use equal devices and library versions on all nodes, and resume.",
        )
        operations = self.criterion.decide(self.trace.operation_history(probabilities, alive))
        stable = operations.stable.reshape(edge_weights.shape)
        keep = None if operations.keep is None else operations.keep.reshape(alive.shape)
        after = self.prune(EpochStatistics(probabilities, edge_weights, alive, stable, keep))
        if after.sum() < alive.sum():
            self.network.prune(torch.from_numpy(after))
            after = self.living()  # a node without an input removes the edges from it too
        forget_parameters(engine.optimizer, self.network.weight_parameters())
        self.trace.append(
            probabilities=probabilities,
            edge_weights=edge_weights,
            divergence=operations.divergence.reshape(edge_weights.shape),
            alive=after,
            seconds=time.perf_counter() - self._started,
            architecture_steps=engine.architecture_steps,
        )
        if self.trace_file is not None and is_first_rank():
            self.trace.write(self.trace_file)
        if self.decided:
            engine.terminate()
