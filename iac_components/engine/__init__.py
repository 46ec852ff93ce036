"""Ignite handlers that searching and training share: seeds, checkpoints, guards, progress."""

from __future__ import annotations

from iac_components.engine.best_model import BestModel, BestScore, FinalModel
from iac_components.engine.checkpoint import CheckpointError, ResumableCheckpoint
from iac_components.engine.nonfinite import NonFiniteGuard, NonFiniteLossError
from iac_components.engine.progress import RunProgress
from iac_components.engine.seeding import EpochSeeding

__all__ = [
    "BestModel",
    "BestScore",
    "CheckpointError",
    "EpochSeeding",
    "FinalModel",
    "NonFiniteGuard",
    "NonFiniteLossError",
    "ResumableCheckpoint",
    "RunProgress",
]
