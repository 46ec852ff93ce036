"""The trainer of the topology search."""

from __future__ import annotations

import torch

from iac_components.dints.objective.regularizer import ArchitectureRegularizer
from iac_components.search.bilevel.bilevel_trainer import Batch, BilevelTrainer

__all__ = ["DintsSearchTrainer"]


class DintsSearchTrainer(BilevelTrainer):
    """Searches a topology: the architecture step also sees the regularizer, more each epoch.

    The regularizer's weight rises linearly from 0 in the first epoch after the warm-up to 1 in the
    last, as in DiNTS. The loss is the same with and without mixed precision.

    Args:
        regularizer: entropies, memory and topology.
        *arguments: of :class:`BilevelTrainer`; the network is a ``DintsSearchNetwork``.
        **options: likewise.
    """

    def __init__(
        self, *arguments: object, regularizer: ArchitectureRegularizer, **options: object
    ) -> None:
        self.regularizer = regularizer
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    @property
    def regularizer_weight(self) -> float:
        """Weight of the regularizer in the current epoch, 0 to 1; 0 in the warm-up."""
        first, last, epoch = self.warmup_epochs + 1, self.state.max_epochs, self.state.epoch
        return float(min(1, max(0, (epoch - first) / max(1, last - first))))

    def _architecture_loss(self, batch: Batch) -> torch.Tensor:
        return self._loss(batch) + self.regularizer_weight * self.regularizer()
