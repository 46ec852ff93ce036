"""The audit of a topology search by the options of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from iac_components.common.trace_format import AUDIT_TRACE
from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.searching.topology_audit import TopologyAudit
from iac_components.dints.searching.topology_criteria import build_topology_audit
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.search.audits.looks.settings import AUDIT_WARMUP, AuditSettings
from iac_components.search.evidence.judged_images import JudgedItems
from iac_components.search.stability_pruning.stability import StabilityCriterion

__all__ = ["plan_topology_audit"]


def plan_topology_audit(
    network: DintsSearchNetwork,
    items: JudgedItems | Iterable[Mapping[str, object]],
    loss_function: Callable[[Tensor, Tensor], Tensor],
    *,
    tolerance: float,
    alpha: float,
    audit_every: int | None,
    warmup_epochs: int,
    criterion: str | StabilityCriterion,
    budget: MemoryBudget,
    images_a_patient: int,
    batch_size: int,
    device: str | torch.device,
    output_dir: str | Path,
) -> TopologyAudit:
    """Return the audit of a topology search, which first looks some epochs after the warm-up.

    Args:
        network: the supernet, not yet pruned, on its device.
        items: the architecture half.
        loss_function: of logits and labels.
        tolerance: loss that does not matter.
        alpha: probability that any deletion of the search is wrong.
        audit_every: epochs from one look to the next; None spaces them by what they cost.
        warmup_epochs: epochs that train the weights alone.
        criterion: what decides the search.
        budget: what an architecture may need.
        images_a_patient: patches of each patient that parts are judged on.
        batch_size: patches that are judged at once.
        device: where to compute.
        output_dir: folder of ``audit_trace.csv``.
    """
    return build_topology_audit(
        network,
        items,
        loss_function,
        settings=AuditSettings(
            tolerance=tolerance,
            alpha=alpha,
            every=audit_every,
            warmup_epochs=warmup_epochs + AUDIT_WARMUP,
        ),
        criterion=criterion,
        budget=budget,
        images_a_patient=images_a_patient,
        batch_size=batch_size,
        device=device,
        trace_file=Path(output_dir) / AUDIT_TRACE,
    )
