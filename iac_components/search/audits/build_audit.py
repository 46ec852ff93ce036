"""Audit of a search, built from the search's parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.criteria import criterion_name
from iac_components.search.evidence.costs import Costs
from iac_components.search.evidence.judged_images import JudgedItems, judged_images
from iac_components.search.evidence.patient_losses import PatientLosses
from iac_components.search.stability_pruning.stability import StabilityCriterion

__all__ = ["build_audit"]


def build_audit(
    network: CellSearchNetwork,
    items: JudgedItems | Iterable[Mapping[str, object]],
    loss_function: Callable[[Tensor, Tensor], Tensor],
    *,
    settings: AuditSettings,
    criterion: str | StabilityCriterion,
    image_shape: Sequence[int],
    images_a_patient: int = 4,
    batch_size: int = 8,
    device: str | torch.device = "cpu",
    trace_file: str | Path | None = None,
) -> SearchAudit:
    """Return the audit of a search; images are read when they are first needed.

    Args:
        network: the supernet, not yet pruned, on its device.
        items: the architecture half: a dataset, a list of items, or a loader.
        loss_function: of logits and labels.
        settings: rules of the audit.
        criterion: rule that decides the search: a name, or a custom criterion.
        image_shape: (C, *S) of an image.
        images_a_patient: images of each patient that parts are judged on.
        batch_size: of the search; without gradients four times as many are judged at once.
        device: where to compute.
        trace_file: where to write the looks; None writes nothing.
    """

    def losses() -> PatientLosses:
        chosen = judged_images(items, images_a_patient=images_a_patient, batch_size=4 * batch_size)
        return PatientLosses(network, chosen, loss_function, device=device)

    return SearchAudit(
        network,
        losses,
        settings,
        costs=Costs(network, image_shape),
        criterion=criterion_name(criterion),
        trace_file=trace_file,
        batch_size=batch_size,
    )
