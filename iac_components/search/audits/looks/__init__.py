"""Looks of an audit: stages from coarse to fine, the removals after each, and the findings."""

from __future__ import annotations

from iac_components.search.audits.looks.findings import Findings, describe_findings
from iac_components.search.audits.looks.log import AuditLog, Measured
from iac_components.search.audits.looks.remaining import Remaining
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.audits.looks.staged import Ready, StagedAudit
from iac_components.search.audits.looks.standing import Standing

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
