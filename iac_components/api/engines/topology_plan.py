"""Options of a topology search, and the supernet with all that a search keeps beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iac_components.api.engines.components import Loss
from iac_components.dints import (
    BestArchitecture,
    DintsSearchNetwork,
    DintsSpace,
    MemoryBudget,
    MemoryModel,
)
from iac_components.search import SearchTrace, StabilityCriterion

__all__ = ["TopologySearch", "TopologySearchPlan"]


@dataclass(frozen=True)
class TopologySearchPlan:
    """Options of a topology search; names and meaning are those of the bundles."""

    warmup_epochs: int
    architecture_learning_rate: float
    architecture_every: int
    num_blocks: int
    num_depths: int
    channel_mul: float
    use_downsample: bool
    memory_fraction: float | None
    memory_gigabytes: float | None
    entropy_weight: float
    memory_weight: float
    topology_weight: float
    pruning: bool
    keep_schedule: Sequence[int]
    path_pruning: bool

    def options(self) -> dict[str, object]:
        """Return the plain values, by the name of their option."""
        return asdict(self)

    def space(self, patch_size: Sequence[int]) -> DintsSpace:
        """Return the space of topologies, if a patch fits it.

        Raises:
            ValueError: if a patch cannot be halved as often as the space asks for.
        """
        space = DintsSpace(
            num_blocks=self.num_blocks,
            num_depths=self.num_depths,
            spatial_dims=len(patch_size),
            use_downsample=self.use_downsample,
            channel_mul=self.channel_mul,
        )
        space.check_patch(patch_size)
        return space


@dataclass(frozen=True)
class TopologySearch:
    """A supernet with all that a search keeps beside it."""

    network: DintsSearchNetwork
    plan: TopologySearchPlan
    budget: MemoryBudget
    trace: SearchTrace
    best: BestArchitecture
    criterion: StabilityCriterion
    loss: Loss

    @classmethod
    def around(
        cls,
        network: DintsSearchNetwork,
        plan: TopologySearchPlan,
        *,
        input_shape: Sequence[int],
        criterion: StabilityCriterion,
        loss: Loss,
        path: Path,
    ) -> TopologySearch:
        """Measure the budget, and begin an empty trace.

        Args:
            network: the supernet, on its device.
            plan: of the search.
            input_shape: (B, C, *S) of a batch, for which the budget holds.
            criterion: what counts as settled.
            loss: of logits and labels.
            path: file of the best architecture.

        Raises:
            BudgetError: if no architecture fits the budget.
        """
        memory = MemoryModel(network, input_shape=input_shape)
        budget = MemoryBudget(memory, plan.memory_fraction, plan.memory_gigabytes)
        best = BestArchitecture(network, path, budget=budget, warmup_epochs=plan.warmup_epochs)
        return cls(network, plan, budget, SearchTrace(network.space), best, criterion, loss)
