"""Ignite handlers that searching and training share: seeds, ranks, checkpoints, guards, bars."""

from __future__ import annotations

from iac_components.engine.best_model import BestModel, BestScore, FinalModel, metric_value
from iac_components.engine.checkpoints import CheckpointError, ResumableCheckpoint, check_resume
from iac_components.engine.epoch_metrics import EpochMetrics
from iac_components.engine.interruption import run_until_signal, until_signal
from iac_components.engine.owned_folders import FolderInUseError, OwnedFolders
from iac_components.engine.progress import RunProgress
from iac_components.engine.records import (
    CaseList,
    RunRecord,
    data_parts,
    package_versions,
    read_settings,
    record_run,
    weights_record,
)
from iac_components.engine.seeding import EpochSeeding
from iac_components.engine.stacks import RunCheckpoints, StepHandlers
from iac_components.engine.steps.image_batch import image_batch
from iac_components.engine.steps.nonfinite import NonFiniteGuard, NonFiniteLossError
from iac_components.engine.steps.synchronized_gradients import SynchronizedGradients

__all__ = [
    "BestModel",
    "BestScore",
    "CaseList",
    "CheckpointError",
    "EpochMetrics",
    "EpochSeeding",
    "FinalModel",
    "FolderInUseError",
    "NonFiniteGuard",
    "NonFiniteLossError",
    "OwnedFolders",
    "ResumableCheckpoint",
    "RunCheckpoints",
    "RunProgress",
    "RunRecord",
    "StepHandlers",
    "SynchronizedGradients",
    "check_resume",
    "data_parts",
    "image_batch",
    "metric_value",
    "package_versions",
    "read_settings",
    "record_run",
    "run_until_signal",
    "until_signal",
    "weights_record",
]
