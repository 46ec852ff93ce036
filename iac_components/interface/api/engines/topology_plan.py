"""Options of a topology search, and the supernet with the objects of its search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

from iac_components.data import fixed_patches
from iac_components.dints import (
    BestArchitecture,
    DintsSearchNetwork,
    DintsSpace,
    MemoryBudget,
    MemoryModel,
    TopologyAudit,
    build_topology_audit,
)
from iac_components.interface.api.engines.components import Loss
from iac_components.search import (
    AuditSettings,
    SearchTrace,
    StabilityCriterion,
    criterion_name,
)
from iac_components.search.audits.looks.settings import AUDIT_WARMUP
from iac_components.search.evidence.judged_images import JudgedItems

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
    criterion: str | StabilityCriterion
    stability: StabilityCriterion
    audit: Mapping[str, object]

    def options(self) -> dict[str, object]:
        """Return the plain values, by the name of their option."""
        objects = ("criterion", "stability", "audit")
        own = (field.name for field in fields(self) if field.name not in objects)
        return {**{name: getattr(self, name) for name in own}, **self.audit}

    def identity(self) -> dict[str, object]:
        """Return the settings that affect the search's result, without the loss."""
        return {
            **self.options(),
            "criterion": criterion_name(self.criterion),
            "stability": repr(self.stability),
        }

    def audit_settings(self) -> AuditSettings:
        """Return the rules of the audit."""
        return AuditSettings(
            tolerance=cast(float, self.audit["tolerance"]),
            alpha=cast(float, self.audit["alpha"]),
            every=cast("int | None", self.audit["audit_every"]),
            warmup_epochs=self.warmup_epochs + AUDIT_WARMUP,
        )

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
    """Supernet with the objects of its search."""

    network: DintsSearchNetwork
    plan: TopologySearchPlan
    budget: MemoryBudget
    trace: SearchTrace
    best: BestArchitecture
    audit: TopologyAudit
    loss: Loss

    @classmethod
    def around(
        cls,
        network: DintsSearchNetwork,
        plan: TopologySearchPlan,
        *,
        items: object,
        input_shape: Sequence[int],
        loss: Loss,
        path: Path,
    ) -> TopologySearch:
        """Measure the budget, and create an empty trace and audit.

        Args:
            network: the supernet, on its device.
            plan: of the search.
            items: the architecture half, which parts are judged on.
            input_shape: (B, C, *S) of a batch, for which the budget holds.
            loss: of logits and labels.
            path: file of the best architecture.

        Raises:
            BudgetError: if no architecture fits the budget.
        """
        memory = MemoryModel(network, input_shape=input_shape)
        budget = MemoryBudget(memory, plan.memory_fraction, plan.memory_gigabytes)
        best = BestArchitecture(network, path, budget=budget, warmup_epochs=plan.warmup_epochs)
        images_a_patient = cast(int, plan.audit["images_a_patient"])
        audit = build_topology_audit(
            network,
            cast(JudgedItems, fixed_patches(items, patches_per_volume=images_a_patient)),
            loss,
            settings=plan.audit_settings(),
            criterion=plan.criterion,
            budget=budget,
            images_a_patient=images_a_patient,
            batch_size=input_shape[0],
            device=network.alive.device,
            trace_file=path.parent / "audit_trace.csv",
        )
        return cls(network, plan, budget, SearchTrace(network.space), best, audit, loss)
