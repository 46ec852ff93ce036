"""Handlers of a run: those of the bundles' configs, in their order."""

from __future__ import annotations

from collections.abc import Sequence
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
    RunCheckpoints,
    RunRecord,
    StepHandlers,
)
from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.interface.api.inputs.batches import Item
from iac_components.networks import CellSearchNetwork
from iac_components.search import (
    AuditPruningHandler,
    SearchAudit,
    SearchCheckpoints,
    SearchTrace,
    StabilityPruningHandler,
)

__all__ = [
    "TrainedParts",
    "search_handlers",
    "training_handlers",
    "validation_handlers",
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
    return [
        StepHandlers(parts.network, [loader], seed=seed),
        LrScheduleHandler(parts.scheduler, print_lr=False),
        *validation,
        RunCheckpoints(
            output_dir,
            {
                "network": parts.network,
                "optimizer": parts.optimizer,
                "lr_scheduler": parts.scheduler,
                "best": cast(Stateful, parts.best),
            },
            ckpt_dir=output_dir,
            record=parts.record,
            results=("metrics.json", "metrics.csv"),
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
    weights, architecture = optimizers
    return [
        StepHandlers(network, loaders, seed=seed),
        pruning,
        SearchCheckpoints(
            output_dir,
            network,
            optimizer=weights,
            architecture_optimizer=architecture,
            trace=trace,
            audit=cast(Stateful, audit),
            record=record,
            results=("genotype.json", "top_k.json"),
            resume=resume,
        ),
    ]
