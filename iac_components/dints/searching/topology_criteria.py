"""Pruning of a topology search by the name of a criterion, and the audit that it may need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from iac_components.common.trace_format import SEARCH_TRACE
from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.searching.path_pruning_handler import DintsPruningHandler
from iac_components.dints.searching.topology_audit import TopologyAudit
from iac_components.dints.searching.topology_losses import TopologyLosses
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.search.audits.audit_handler import AuditHandler
from iac_components.search.audits.looks.looking import Ready
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.criteria import criterion_name, criterion_object
from iac_components.search.evidence.judged_images import JudgedItems, judged_images
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.stability import StabilityCriterion
from iac_components.search.stability_pruning.stability_handler import EpochStatistics

__all__ = ["TopologyAuditHandler", "build_topology_audit", "topology_pruning_handler"]


class TopologyAuditHandler(AuditHandler[DintsSearchNetwork]):
    """An audit of topologies: blocks lose paths, and paths operations.

    Of both the criterion says which are ready. The search ends when every path is needed and has
    one operation.
    """

    def ready(self, statistics: EpochStatistics) -> Ready:
        """See :meth:`AuditHandler.ready`."""
        history = self.trace.presence_history(statistics.edge_weights, statistics.alive)
        paths = self.criterion.decide(history).stable.reshape(statistics.stable.shape)
        return Ready(np.asarray(statistics.stable), paths)


def build_topology_audit(
    network: DintsSearchNetwork,
    items: JudgedItems | Iterable[Mapping[str, object]],
    loss_function: Callable[[Tensor, Tensor], Tensor],
    *,
    settings: AuditSettings,
    criterion: str | StabilityCriterion,
    budget: MemoryBudget,
    images_a_patient: int = 1,
    batch_size: int = 2,
    device: str | torch.device = "cpu",
    trace_file: str | Path | None = None,
) -> TopologyAudit:
    """Return the audit of a topology search; patches are read when they are first needed.

    Args:
        network: the supernet, not yet pruned, on its device.
        items: the architecture half: a dataset, a list of items, or a loader.
        loss_function: of logits and labels.
        settings: rules of the audit.
        criterion: rule that decides the search: a name, or a custom criterion.
        budget: what an architecture may need.
        images_a_patient: patches of each patient that parts are judged on.
        batch_size: of the search; as many patches are judged at once.
        device: where to compute.
        trace_file: where to write the looks; None writes nothing.
    """

    def losses() -> TopologyLosses:
        chosen = judged_images(items, images_a_patient=images_a_patient, batch_size=batch_size)
        return TopologyLosses(network, chosen, loss_function, device=device)

    return TopologyAudit(
        network,
        losses,
        settings,
        budget=budget,
        criterion=criterion_name(criterion),
        trace_file=trace_file,
        batch_size=batch_size,
    )


def topology_pruning_handler(
    network: DintsSearchNetwork,
    trace: SearchTrace,
    criterion: str | StabilityCriterion,
    *,
    stability: StabilityCriterion,
    audit: TopologyAudit,
    keep_schedule: Sequence[int] = (3, 2, 1),
    path_pruning: bool = True,
    pruning: bool = True,
    trace_file: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> DintsPruningHandler | TopologyAuditHandler:
    """Return the handler that prunes a topology search by a criterion.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: a name, or a custom criterion.
        stability: what ``stability`` stands for.
        audit: of the search; is told whether the search prunes.
        keep_schedule: counts of operations that a stable path keeps.
        path_pruning: drop stable paths that are unlikely, too.
        pruning: without it nothing is pruned; the search is traced alike, ends with what its
            distributions say, and its audit judges that alone.
        trace_file: where to write the trace after every epoch; None leaves it to ``output_dir``.
        output_dir: folder of ``search_trace.csv``; None writes nothing.

    Raises:
        ValueError: if the criterion is unknown, or the schedule does not fall.
    """
    if trace_file is None and output_dir is not None:
        trace_file = Path(output_dir) / SEARCH_TRACE
    judge = criterion_object(criterion, stability=stability, alpha=audit.settings.alpha)
    audit.pruning = pruning
    if audit.races:
        return TopologyAuditHandler(network, trace, judge, audit=audit, trace_file=trace_file)
    return DintsPruningHandler(
        network,
        trace,
        judge,
        budget=audit.budget,
        keep_schedule=keep_schedule if pruning else (),
        path_pruning=pruning and path_pruning,
        trace_file=trace_file,
    )
