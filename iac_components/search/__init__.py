"""Search for a cell: bilevel optimization, stability, pruning, trace.

:class:`CellSearchTrainer` alternates weight and architecture steps; after every epoch
:class:`StabilityPruningHandler` asks a :class:`StabilityCriterion` which distributions have
settled, prunes the losers, and ends the search when one genotype is left. Or
:class:`AuditPruningHandler` asks a :class:`SearchAudit` for parts that the network does not need.
Both are chosen by name in ``criteria``.
"""

from __future__ import annotations

from iac_components.search.audits.audit import LEAST_PATIENTS, Confidence, Verdict
from iac_components.search.audits.audit_handler import AuditPruningHandler
from iac_components.search.audits.audit_racing import AuditRacing
from iac_components.search.audits.build_audit import build_audit
from iac_components.search.audits.looks import AuditSettings, describe_findings
from iac_components.search.audits.plan_audit import plan_audit
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.bilevel.bilevel_trainer import (
    BilevelTrainer,
    CellSearchTrainer,
    SearchNetwork,
)
from iac_components.search.bilevel.gradients import (
    ArchitectureGradient,
    FirstOrderGradient,
    SecondOrderGradient,
    with_kept_statistics,
)
from iac_components.search.bilevel.planned_steps import check_planned_steps
from iac_components.search.bilevel.pruned_optimizer import PrunedOptimizerState, forget_parameters
from iac_components.search.bilevel.search_checkpoints import SearchCheckpoints
from iac_components.search.criteria import (
    CRITERIA,
    DEFAULT_CRITERION,
    DEFAULT_TOPOLOGY_CRITERION,
    criterion_name,
    criterion_object,
    pruning_handler,
)
from iac_components.search.evidence.costs import Costs
from iac_components.search.evidence.judged_images import judged_images
from iac_components.search.evidence.part_gains import EdgeGains, OperationGains
from iac_components.search.evidence.patient_losses import (
    PatientBatch,
    PatientLosses,
    group_by_patient,
)
from iac_components.search.results.found_genotype import save_found_genotype
from iac_components.search.results.provenance import search_provenance, settings_digest
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.evidence_floor import EvidenceFloor
from iac_components.search.stability_pruning.pruning_handler import StabilityPruningHandler
from iac_components.search.stability_pruning.stability import (
    AverageStability,
    Decision,
    History,
    JensenShannonStability,
    Regardless,
    StabilityCriterion,
    jensen_shannon_divergence,
)
from iac_components.search.stability_pruning.stability_handler import (
    EpochStatistics,
    PrunableNetwork,
    StabilityHandler,
)

__all__ = [
    "CRITERIA",
    "DEFAULT_CRITERION",
    "DEFAULT_TOPOLOGY_CRITERION",
    "LEAST_PATIENTS",
    "ArchitectureGradient",
    "AuditPruningHandler",
    "AuditRacing",
    "AuditSettings",
    "AverageStability",
    "BilevelTrainer",
    "CellSearchTrainer",
    "Confidence",
    "Costs",
    "Decision",
    "EdgeGains",
    "EpochStatistics",
    "EvidenceFloor",
    "FirstOrderGradient",
    "History",
    "JensenShannonStability",
    "OperationGains",
    "PatientBatch",
    "PatientLosses",
    "PrunableNetwork",
    "PrunedOptimizerState",
    "Regardless",
    "SearchAudit",
    "SearchCheckpoints",
    "SearchNetwork",
    "SearchTrace",
    "SecondOrderGradient",
    "StabilityCriterion",
    "StabilityHandler",
    "StabilityPruningHandler",
    "Verdict",
    "build_audit",
    "check_planned_steps",
    "criterion_name",
    "criterion_object",
    "describe_findings",
    "forget_parameters",
    "group_by_patient",
    "jensen_shannon_divergence",
    "judged_images",
    "plan_audit",
    "pruning_handler",
    "save_found_genotype",
    "search_provenance",
    "settings_digest",
    "with_kept_statistics",
]
