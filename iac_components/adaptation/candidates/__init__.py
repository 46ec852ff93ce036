"""Candidates for parts of an adapter, by name."""

from __future__ import annotations

from iac_components.adaptation.candidates.baselines import Decoder, Everything
from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    Candidate,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    find_candidate,
    in_order,
    register_candidate,
    registered_candidates,
)
from iac_components.adaptation.candidates.low_rank import LowRank
from iac_components.adaptation.candidates.norms import Norms, NormStatistics
from iac_components.adaptation.candidates.skips import Cells, Gates, SkipGate

__all__ = [
    "Attachment",
    "Candidate",
    "Cells",
    "Decoder",
    "Everything",
    "Gates",
    "LowRank",
    "NormStatistics",
    "Norms",
    "NotApplicableError",
    "PartPlan",
    "PlanOptions",
    "SkipGate",
    "find_candidate",
    "in_order",
    "register_candidate",
    "registered_candidates",
]
