"""Handlers of a run: those of the bundles' configs, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ignite.engine import Engine
from monai.handlers import LrScheduleHandler, StatsHandler, ValidationHandler
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from iac_components.engine import (
    BestModel,
    BestScore,
    EpochMetrics,
    EpochSeeding,
    FinalModel,
    NonFiniteGuard,
    ResumableCheckpoint,
    RunProgress,
    RunRecord,
    SynchronizedGradients,
)
from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.interface.api.inputs.batches import Item
from iac_components.networks import CellSearchNetwork
from iac_components.search import (
    AuditPruningHandler,
    PrunedOptimizerState,
    SearchAudit,
    SearchTrace,
    StabilityPruningHandler,
)

__all__ = [
    "CHECKPOINTS",
    "TrainedParts",
    "search_handlers",
    "stepping",
    "training_handlers",
    "validation_handlers",
]

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints, within the run's folder."""


def stepping(
    network: nn.Module,
    loaders: Sequence[DataLoader[Item]],
    seed: int,
    *,
    describe: Callable[[], Mapping[str, object]] | None = None,
    count: Callable[[], Mapping[str, float]] | None = None,
) -> list[object]:
    """Seeds, ranks, guard, bar and losses: the first handlers of every trainer.

    Args:
        network: to train.
        loaders: that feed the trainer.
        seed: of the run.
        describe: further items for the bar.
        count: further numbers for trackers.
    """
    return [
        EpochSeeding(loaders, seed),
        SynchronizedGradients(network),
        NonFiniteGuard(),
        RunProgress(describe),
        EpochMetrics(count),
    ]


@dataclass(frozen=True)
class TrainedParts:
    """State that a training changes, and the record that it is saved with."""

    network: nn.Module
    optimizer: Optimizer
    scheduler: LRScheduler
    best: BestScore
    record: RunRecord


def training_handlers(
    parts: TrainedParts,
    *,
    loader: DataLoader[Item],
    seed: int,
    validator: Engine | None,
    val_interval: int,
    output_dir: Path,
    resume: bool,
) -> list[object]:
    """Return the handlers of a training.

    Args:
        parts: objects that it changes.
        loader: of its batches.
        seed: of the run.
        validator: evaluator that chooses the best weights; None without validation.
        val_interval: epochs between validations and checkpoints.
        output_dir: folder of all that is written.
        resume: start from the newest checkpoint.
    """
    validation = [] if validator is None else [ValidationHandler(val_interval, validator, True)]
    results = ("model.pt", "model_final.pt", "metrics.json", "metrics.csv")
    return [
        *stepping(parts.network, [loader], seed),
        LrScheduleHandler(parts.scheduler, print_lr=False),
        *validation,
        FinalModel(output_dir / "model_final.pt", parts.network, record=parts.record),
        ResumableCheckpoint(
            output_dir / CHECKPOINTS,
            {
                "network": parts.network,
                "optimizer": parts.optimizer,
                "lr_scheduler": parts.scheduler,
                "best": cast(Stateful, parts.best),
            },
            record=parts.record,
            results=[output_dir / name for name in results],
            resume=resume,
            every=val_interval,
        ),
    ]


def validation_handlers(parts: TrainedParts, output_dir: Path) -> list[object]:
    """Return the handlers of the evaluator that chooses the best weights."""
    return [
        StatsHandler(iteration_log=False),
        BestModel(
            output_dir / "model.pt",
            parts.network,
            metric_name="val_mean_dice",
            best=parts.best,
            record=parts.record,
        ),
    ]


def search_handlers(
    network: CellSearchNetwork,
    pruning: StabilityPruningHandler | AuditPruningHandler,
    *,
    loaders: Sequence[DataLoader[Item]],
    optimizers: tuple[Optimizer, Optimizer],
    trace: SearchTrace,
    audit: SearchAudit,
    seed: int,
    record: RunRecord,
    output_dir: Path,
    resume: bool,
) -> list[object]:
    """Return the handlers of a cell search.

    Args:
        network: the supernet.
        pruning: judges and prunes after every epoch.
        loaders: for the weights and for the architecture.
        optimizers: of the weights and of the architecture.
        trace: of the search.
        audit: of the search.
        seed: of the run.
        record: of the run.
        output_dir: folder of all that is written.
        resume: start from the newest checkpoint.
    """
    results = ("genotype.json", "search_trace.csv", "audit_trace.csv", "top_k.json")
    weights, architecture = optimizers
    return [
        *stepping(
            network,
            loaders,
            seed,
            describe=network.describe,
            count=lambda: {"living_operations": int(network.architecture.alive.sum())},
        ),
        pruning,
        ResumableCheckpoint(
            output_dir / CHECKPOINTS,
            {
                "network": network,
                "optimizer": PrunedOptimizerState(weights, network),
                "architecture_optimizer": architecture,
                "trace": cast(Stateful, trace),
                "audit": cast(Stateful, audit),
            },
            record=record,
            results=[output_dir / name for name in results],
            resume=resume,
        ),
    ]
