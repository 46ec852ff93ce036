"""The audit of a search by the options of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from iac_components.common.trace_format import AUDIT_TRACE
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.build_audit import build_audit
from iac_components.search.audits.looks.settings import AUDIT_WARMUP, AuditSettings, CostUnit
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.evidence.judged_images import JudgedItems
from iac_components.search.stability_pruning.stability import StabilityCriterion

__all__ = ["plan_audit"]


def plan_audit(
    network: CellSearchNetwork,
    items: JudgedItems | Iterable[Mapping[str, object]],
    loss_function: Callable[[Tensor, Tensor], Tensor],
    *,
    tolerance: float,
    alpha: float,
    audit_every: int | None,
    warmup_epochs: int,
    cost: CostUnit,
    max_cost: float | None,
    criterion: str | StabilityCriterion,
    image_shape: Sequence[int],
    images_a_patient: int,
    batch_size: int,
    device: str | torch.device,
    output_dir: str | Path,
) -> SearchAudit:
    """Return the audit of a search, which first looks some epochs after the warm-up.

    Args:
        network: the supernet, not yet pruned, on its device.
        items: the architecture half.
        loss_function: of logits and labels.
        tolerance: loss that does not matter.
        alpha: probability that any deletion of the search is wrong.
        audit_every: epochs from one look to the next; None spaces them by what they cost.
        warmup_epochs: epochs that train the weights alone.
        cost: unit by which the cheaper of equals is told.
        max_cost: of inference with cells over the plain network's; None bounds nothing.
        criterion: what decides the search.
        image_shape: (C, *S) of an image.
        images_a_patient: images of each patient that parts are judged on.
        batch_size: of the search.
        device: where to compute.
        output_dir: folder of ``audit_trace.csv``.
    """
    return build_audit(
        network,
        items,
        loss_function,
        settings=AuditSettings(
            tolerance=tolerance,
            alpha=alpha,
            every=audit_every,
            warmup_epochs=warmup_epochs + AUDIT_WARMUP,
            cost=cost,
            max_cost=max_cost,
        ),
        criterion=criterion,
        image_shape=image_shape,
        images_a_patient=images_a_patient,
        batch_size=batch_size,
        device=device,
        trace_file=Path(output_dir) / AUDIT_TRACE,
    )
