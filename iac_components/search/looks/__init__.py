"""Looks of an audit: stages from coarse to fine, what goes after each, and what was found."""

from __future__ import annotations

from iac_components.search.looks.findings import Findings, describe_findings
from iac_components.search.looks.log import AuditLog, Measured
from iac_components.search.looks.remaining import Remaining
from iac_components.search.looks.settings import AuditSettings
from iac_components.search.looks.staged import Ready, StagedAudit
from iac_components.search.looks.standing import Standing

__all__ = [
    "AuditLog",
    "AuditSettings",
    "Findings",
    "Measured",
    "Ready",
    "Remaining",
    "StagedAudit",
    "Standing",
    "describe_findings",
]
