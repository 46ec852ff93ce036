"""Pruning by an audit in the cell search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.looks.staged import Ready
from iac_components.search.search_audit import SearchAudit
from iac_components.search.stability import BoolArray, StabilityCriterion
from iac_components.search.stability_handler import Evidence, StabilityHandler
from iac_components.search.trace import SearchTrace

__all__ = ["AuditPruningHandler"]


class AuditPruningHandler(StabilityHandler[CellSearchNetwork]):
    """Let an audit look at the supernet after an epoch, and take away what it finds needless.

    The criterion says which edges and nodes are ready to lose operations and inputs; whether they
    do, and whether levels lose their cell and cells their nodes, the audit says. The search ends
    when one cell is left whose every part is needed, or none. It writes ``search_trace.csv``, as
    every search, and the audit ``audit_trace.csv``.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: says which groups are ready; :class:`Regardless` for all.
        audit: measures and decides.
        trace_file: where to write the trace after every epoch; None writes nothing.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        trace: SearchTrace,
        criterion: StabilityCriterion,
        *,
        audit: SearchAudit,
        trace_file: str | Path | None = None,
    ) -> None:
        super().__init__(network, trace, criterion, trace_file=trace_file)
        self.audit = audit

    def attach(self, engine: Engine) -> None:
        """Listen to a search trainer."""
        # Before any draw of the run: images of a dataset that draws are then those of every resume.
        engine.add_event_handler(Events.STARTED, lambda: self.audit.losses)
        super().attach(engine)

    @property
    def decided(self) -> bool:
        """Whether one cell is left, every part of which is needed, or none."""
        return self.audit.is_decided

    def prune(self, evidence: Evidence) -> BoolArray:
        """See :meth:`StabilityHandler.prune`."""
        space, alive = self.network.space, evidence.alive
        nodes = self.criterion.decide(self.trace.edge_history(evidence.edge_weights, alive))
        ready = Ready(
            np.asarray(evidence.stable), nodes.stable.reshape(len(alive), space.num_nodes)
        )
        left = self.audit.look(len(self.trace) + 1, ready=ready)
        return alive if left is None else left.alive
