"""Checkpoints of a run: written, found, read, and continued by a run of the same settings."""

from __future__ import annotations

from iac_components.engine.checkpoints.checkpoint import CheckpointError, ResumableCheckpoint
from iac_components.engine.checkpoints.same_run import check_resume

__all__ = [
    "CheckpointError",
    "ResumableCheckpoint",
    "check_resume",
]
