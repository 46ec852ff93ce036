"""Audit of a cell search, and its options that a criterion uses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import cast

from iac_components.bundling.options import OptionError, unused_with
from iac_components.interface.api.engines.search_trainers import CellSearchPlan
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.runs.arguments import RunSettings, as_arguments
from iac_components.networks import CellSearchNetwork
from iac_components.search import AuditSettings, SearchAudit, StabilityCriterion, build_audit
from iac_components.search.audits.looks.settings import AUDIT_WARMUP, CostUnit
from iac_components.search.evidence.judged_images import JudgedItems

__all__ = ["audit_of", "defaults_of", "named", "require_used"]


def named(criterion: str | StabilityCriterion) -> dict[str, object]:
    """Return the criterion as an option, if it is one by name."""
    return {} if callable(getattr(criterion, "decide", None)) else {"criterion": criterion}


def defaults_of(function: Callable[..., object]) -> dict[str, object]:
    """Return the default of every argument of a function."""
    parameters = inspect.signature(function).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def require_used(
    given: Mapping[str, object],
    defaults: Mapping[str, object],
    *,
    criterion: str | StabilityCriterion,
    pruning: bool,
    method: str = "iac",
) -> None:
    """Refuse arguments that differ from their default and that the search would ignore.

    Raises:
        OptionError: one line for each.
    """
    values = {**given, "criterion": criterion, "pruning": pruning}
    changed = [name for name, value in given.items() if value != defaults.get(name)]
    faults = list(unused_with(values, changed, method=method))
    if faults:
        raise OptionError("\n".join(map(as_arguments, faults)))


def audit_of(
    network: CellSearchNetwork, half: Batches, settings: RunSettings, plan: CellSearchPlan
) -> SearchAudit:
    """Return the audit of a search.

    Args:
        network: the supernet, on its device.
        half: the architecture's.
        settings: of the run.
        plan: how the cell is searched.
    """
    options = plan.audit
    return build_audit(
        network,
        cast(JudgedItems, half.judged(seed=settings.seed + 1)),
        plan.loss,
        settings=AuditSettings(
            tolerance=cast(float, options["tolerance"]),
            alpha=cast(float, options["alpha"]),
            every=cast("int | None", options["audit_every"]),
            warmup_epochs=plan.warmup_epochs + AUDIT_WARMUP,
            cost=cast(CostUnit, options["cost"]),
            max_cost=cast("float | None", options["max_cost"]),
        ),
        criterion=plan.criterion,
        image_shape=half.shape,
        images_a_patient=cast(int, options["images_a_patient"]),
        batch_size=settings.batch_size or 1,
        device=settings.device,
        trace_file=settings.output_dir / "audit_trace.csv",
    )
