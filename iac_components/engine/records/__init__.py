"""Records of a run: its settings and files, beside its results and in its checkpoints."""

from __future__ import annotations

from iac_components.engine.records.config_record import data_parts, read_settings, record_run
from iac_components.engine.records.run_record import CaseList, RunRecord, package_versions
from iac_components.engine.records.weights_record import weights_record

__all__ = [
    "CaseList",
    "RunRecord",
    "data_parts",
    "package_versions",
    "read_settings",
    "record_run",
    "weights_record",
]
