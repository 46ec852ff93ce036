"""Ignite handlers that searching and training share: seeds, ranks, checkpoints, guards, bars."""

from __future__ import annotations

from iac_components.engine.best_model import BestModel, BestScore, FinalModel, metric_value
from iac_components.engine.checkpoint import CheckpointError, ResumableCheckpoint
from iac_components.engine.epoch_metrics import EpochMetrics
from iac_components.engine.interruption import run_until_signal
from iac_components.engine.nonfinite import NonFiniteGuard, NonFiniteLossError
from iac_components.engine.progress import RunProgress
from iac_components.engine.seeding import EpochSeeding
from iac_components.engine.synchronized_gradients import SynchronizedGradients

__all__ = [
    "BestModel",
    "BestScore",
    "CheckpointError",
    "EpochMetrics",
    "EpochSeeding",
    "FinalModel",
    "NonFiniteGuard",
    "NonFiniteLossError",
    "ResumableCheckpoint",
    "RunProgress",
    "SynchronizedGradients",
    "metric_value",
    "run_until_signal",
]
