"""Audit of a search: looks between its epochs, and their memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.auditing import Auditing
from iac_components.search.audits.looks.remaining import NONE, OFF, Remaining
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.audits.looks.staged import Ready, StagedAudit
from iac_components.search.evidence.costs import Costs
from iac_components.search.evidence.patient_losses import PatientLosses
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["SearchAudit"]


class SearchAudit(Auditing[PatientLosses]):
    """Audit that measures a supernet's parts and decides removals between a search's epochs.

    Its state is its log and the costs of operations: a resumed search decides as an uninterrupted
    one.

    Args:
        network: the supernet, not yet pruned.
        losses: gives the losses by patient; called once, when they are first needed.
        settings: rules of the audit.
        costs: of operations and networks.
        criterion: name of the search's criterion, for the findings. ``audit`` and ``both`` race:
            they take looks between epochs; with any other, only the end is judged.
        trace_file: where to write the looks; None writes nothing.
        batch_size: images of a step of the search.

    Attributes:
        log: all measurements.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        losses: Callable[[], PatientLosses],
        settings: AuditSettings,
        *,
        costs: Costs,
        criterion: str = "audit",
        trace_file: str | Path | None = None,
        batch_size: int = 1,
    ) -> None:
        super().__init__(
            network.space,
            losses,
            settings,
            criterion=criterion,
            trace_file=trace_file,
            batch_size=batch_size,
        )
        self.network = network
        self.costs = costs
        self._operation_costs: torch.Tensor | None = None

    @property
    def remaining(self) -> Remaining:
        """Living part of the supernet."""
        return Remaining(
            self.network.space,
            self.network.alive.cpu().numpy().copy(),
            self.network.treatments.cpu().numpy().astype(np.int64),
        )

    @property
    def is_decided(self) -> bool:
        """True once one cell is left and every part of it is needed, or none is left."""
        remaining = self.remaining
        return not remaining.cells or self.staged.is_settled(remaining)

    def look(self, epoch: int, *, ready: Ready | None = None) -> Remaining | None:
        """Take the look that is due after an epoch, and treat the levels that lose their cell.

        Returns:
            What is left, for the caller to prune operations and edges; None without a look.
        """
        number = self.settings.look_after(epoch)
        if number is None or not self.remaining.cells:
            return None
        before = self.remaining
        left = self.staged.look(before, epoch=epoch, number=number, ready=ready)
        self._treat(before, left)
        self.write()
        return left

    def living_after(self, epoch: int, *, ready: Ready | None = None) -> BoolArray | None:
        """See :meth:`Auditing.living_after`."""
        left = self.look(epoch, ready=ready)
        return None if left is None else left.alive

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the measurements so far and the costs of operations."""
        costs = self._operation_costs
        state = super().state_dict()
        return state if costs is None else {**state, "operation_costs": costs}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Load the measurements from ``state``."""
        super().load_state_dict(state)
        self._operation_costs = state.get("operation_costs")
        self.__dict__.pop("staged", None)

    @cached_property
    def staged(self) -> StagedAudit:
        """The stages of its looks."""
        if self._operation_costs is None:
            self._operation_costs = torch.from_numpy(self.costs.operations(self.settings.cost))
        return StagedAudit(
            self.losses.without,
            self.settings,
            costs=self._operation_costs.numpy(),
            skips=self.network.skips,
            log=self.log,
        )

    def _treat(self, before: Remaining, after: Remaining) -> None:
        """Let levels lose their cell, or be switched off."""
        changed = before.treatments != after.treatments
        gone = np.flatnonzero(changed & (after.treatments == NONE)).tolist()
        off = np.flatnonzero(changed & (after.treatments == OFF)).tolist()
        if gone:
            self.network.remove_cells(gone)
        if off:
            self.network.switch_off(off)

    def apply(self, after: Remaining) -> None:
        """Prune the supernet to the rest, outside of a training."""
        before = self.remaining
        self._treat(before, after)
        if (before.alive != after.alive).any():
            self.network.prune(torch.from_numpy(after.alive))
        self.staged.forget()
