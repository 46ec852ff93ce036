"""The criteria of a cell search by name, and the handler that prunes by each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.common.trace_format import SEARCH_TRACE
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.audit_handler import AuditPruningHandler
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.evidence_floor import EvidenceFloor
from iac_components.search.stability_pruning.pruning_handler import StabilityPruningHandler
from iac_components.search.stability_pruning.stability import Regardless, StabilityCriterion

__all__ = [
    "CRITERIA",
    "DEFAULT_CRITERION",
    "DEFAULT_TOPOLOGY_CRITERION",
    "criterion_name",
    "criterion_object",
    "pruning_handler",
]

CRITERIA = ("stability", "floor", "audit", "both")
"""Names of the criteria.

- ``stability``: an edge or node loses its least probable entry once its distribution has stopped
  moving (Jensen-Shannon divergence).
- ``floor``: the same, if it has also moved farther than a random walk of as many steps.
- ``audit``: parts are removed that the loss on the architecture half's patients does not need, and
  the more expensive of equal operations; cells, nodes and skips as well.
- ``both``: cells, nodes and skips as by ``audit``; an edge's operations and a node's inputs go only
  if the distribution is stable with the floor and the audit finds them worse or equal.
"""

DEFAULT_CRITERION = "audit"
"""Of a cell search: stability alone tells stillness from movement, not worth from noise."""

DEFAULT_TOPOLOGY_CRITERION = "stability"
"""Of a topology search, where no comparison of the criteria has been made."""


def criterion_name(criterion: str | StabilityCriterion) -> str:
    """Return the name of a criterion, or the text of a custom one."""
    return criterion if isinstance(criterion, str) else repr(criterion)


def criterion_object(
    criterion: str | StabilityCriterion, *, stability: StabilityCriterion, alpha: float = 0.05
) -> StabilityCriterion:
    """Return the object that judges distributions.

    Args:
        criterion: a name, or a custom criterion, which is returned unchanged.
        stability: the criterion behind the name ``stability``.
        alpha: error of the floor.

    Raises:
        ValueError: if the name is unknown.
    """
    if not isinstance(criterion, str):
        return criterion
    if criterion not in CRITERIA:
        raise ValueError(
            f"criterion {criterion!r} is unknown. Known: {', '.join(CRITERIA)}; or pass a "
            "criterion object."
        )
    if criterion in ("floor", "both"):
        return EvidenceFloor(stability, alpha)
    return Regardless(stability) if criterion == "audit" else stability


def pruning_handler(
    network: CellSearchNetwork,
    trace: SearchTrace,
    criterion: str | StabilityCriterion,
    *,
    stability: StabilityCriterion,
    audit: SearchAudit,
    keep_schedule: Sequence[int] = (3, 1),
    edge_schedule: Sequence[int] = (2,),
    pruning: bool = True,
    trace_file: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> StabilityPruningHandler | AuditPruningHandler:
    """Return the handler that prunes a search by a criterion.

    Args:
        network: the supernet.
        trace: grows by one record an epoch.
        criterion: a name, or a custom criterion.
        stability: what ``stability`` stands for.
        audit: of the search; is told whether the search prunes.
        keep_schedule: counts of operations that a stable edge keeps.
        edge_schedule: counts of inputs that a stable node keeps.
        pruning: without it nothing is pruned; the search is traced alike, ends with what its
            distributions say, and its audit judges that alone.
        trace_file: where to write the trace after every epoch; None leaves it to ``output_dir``.
        output_dir: folder of ``search_trace.csv``; None writes nothing.

    Raises:
        ValueError: if the criterion is unknown.
    """
    if trace_file is None and output_dir is not None:
        trace_file = Path(output_dir) / SEARCH_TRACE
    judge = criterion_object(criterion, stability=stability, alpha=audit.settings.alpha)
    audit.pruning = pruning
    if audit.races:
        return AuditPruningHandler(network, trace, judge, audit=audit, trace_file=trace_file)
    return StabilityPruningHandler(
        network,
        trace,
        judge,
        keep_schedule=keep_schedule if pruning else (),
        edge_schedule=edge_schedule if pruning else (),
        trace_file=trace_file,
    )
