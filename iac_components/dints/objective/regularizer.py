"""Regularization terms of the architecture step, added to the segmentation loss."""

from __future__ import annotations

import torch

from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.objective.losses import (
    expected_cost,
    memory_loss,
    operation_entropy,
    path_entropy,
    pattern_probabilities,
    topology_loss,
)
from iac_components.dints.topology_supernet import DintsSearchNetwork

__all__ = ["ArchitectureRegularizer"]


class ArchitectureRegularizer:
    """Entropies, memory and topology, weighted; the search anneals their sum from 0 to 1.

    The expected memory counts all stems; the budget, only those that an architecture runs.

    Args:
        network: the supernet.
        budget: what the architecture may need.
        entropy_weight: of path and operation entropy.
        memory_weight: of the distance to the budget.
        topology_weight: of the topology loss; 0 leaves it out.

    Raises:
        ValueError: if a weight is negative; the message names it.
    """

    def __init__(
        self,
        network: DintsSearchNetwork,
        budget: MemoryBudget,
        *,
        entropy_weight: float = 1.0,
        memory_weight: float = 1.0,
        topology_weight: float = 0.001,
    ) -> None:
        self.weights = {
            "entropy_weight": entropy_weight,
            "memory_weight": memory_weight,
            "topology_weight": topology_weight,
        }
        for name, weight in self.weights.items():
            if not weight >= 0:
                raise ValueError(f"{name} must not be negative, got {weight}.")
        self.network = network
        self.budget = budget
        self._costs: torch.Tensor | None = None

    @property
    def budget_fraction(self) -> float:
        """The budget as a fraction of the largest network."""
        return self.budget.bytes / self.budget.memory.largest

    def terms(self) -> dict[str, torch.Tensor]:
        """Every term without its weight, and the expected memory as a fraction; scalars."""
        topology, memory = self.network.topology, self.budget.memory
        depths = self.network.space.num_depths
        logits = topology.path_logits()
        patterns = pattern_probabilities(logits, num_depths=depths)
        operations = topology.operation_probabilities()
        if self._costs is None or self._costs.device != logits.device:
            # Divided on the host: bytes do not fit float32.
            self._costs = torch.as_tensor(memory.costs / memory.largest).to(logits)
        fraction = expected_cost(logits.sigmoid(), operations, self._costs)
        fraction = fraction + memory.all_stems / memory.largest
        return {
            "path_entropy": path_entropy(patterns),
            "operation_entropy": operation_entropy(operations),
            "topology_loss": topology_loss(patterns, num_depths=depths),
            "expected_memory_fraction": fraction,
        }

    def __call__(self) -> torch.Tensor:
        """Return the weighted sum, a scalar that the architecture parameters have gradients of."""
        terms = self.terms()
        memory = memory_loss(
            terms["expected_memory_fraction"], budget_fraction=self.budget_fraction
        )
        return (
            self.weights["entropy_weight"] * (terms["path_entropy"] + terms["operation_entropy"])
            + self.weights["memory_weight"] * memory
            + self.weights["topology_weight"] * terms["topology_loss"]
        )
