"""Pruning by an audit, and the handler of the cell search."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.auditing import Auditing
from iac_components.search.audits.looks.looking import Ready
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.stability import BoolArray, StabilityCriterion
from iac_components.search.stability_pruning.stability_handler import (
    EpochStatistics,
    Network,
    StabilityHandler,
)

__all__ = ["AuditHandler", "AuditPruningHandler"]


class AuditHandler(StabilityHandler[Network]):
    """Let an audit look at a supernet after an epoch, and remove the parts that are needless.

    The criterion chooses the groups that are ready to lose parts; the audit decides whether they
    do. The search ends when every remaining part is needed. It writes ``search_trace.csv``, as
    every search, and the audit ``audit_trace.csv``.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: chooses the groups that are ready; :class:`Regardless` for all.
        audit: measures and decides.
        trace_file: where to write the trace after every epoch; None writes nothing.
    """

    def __init__(
        self,
        network: Network,
        trace: SearchTrace,
        criterion: StabilityCriterion,
        *,
        audit: Auditing[Any],
        trace_file: str | Path | None = None,
    ) -> None:
        super().__init__(network, trace, criterion, trace_file=trace_file)
        self.audit = audit

    def attach(self, engine: Engine) -> None:
        """Listen to a search trainer."""
        # Before any draw of the run: images of a dataset that draws are then those of every resume.
        engine.add_event_handler(
            Events.STARTED, lambda: self.audit.pace(int(engine.state.epoch_length or 1))
        )
        super().attach(engine)

    @property
    def decided(self) -> bool:
        """True once every remaining part is needed."""
        return self.audit.is_decided

    @abstractmethod
    def ready(self, statistics: EpochStatistics) -> Ready:
        """Return which groups may lose parts."""

    def prune(self, statistics: EpochStatistics) -> BoolArray:
        """See :meth:`StabilityHandler.prune`."""
        living = self.audit.living_after(len(self.trace) + 1, ready=self.ready(statistics))
        return statistics.alive if living is None else living


class AuditPruningHandler(AuditHandler[CellSearchNetwork]):
    """Audit of cells: levels lose their cell, cells nodes, nodes inputs, edges operations.

    Of edges and nodes the criterion says which are ready. The search ends when one cell is left
    whose every part is needed, or none.
    """

    def ready(self, statistics: EpochStatistics) -> Ready:
        """See :meth:`AuditHandler.ready`."""
        shape = len(statistics.alive), self.network.space.num_nodes
        history = self.trace.edge_history(statistics.edge_weights, statistics.alive)
        nodes = self.criterion.decide(history)
        return Ready(np.asarray(statistics.stable), nodes.stable.reshape(shape))
