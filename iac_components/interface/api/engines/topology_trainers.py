"""Engines of a topology search, composed as in the bundles' configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ignite.engine import Engine
from monai.engines import SupervisedEvaluator
from monai.handlers import StatsHandler, ValidationHandler
from monai.inferers import SimpleInferer
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from iac_components.dints import (
    ArchitectureRegularizer,
    DintsSearchTrainer,
    SearchSummary,
    topology_pruning_handler,
)
from iac_components.engine import RunRecord, StepHandlers
from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.interface.api.engines.components import (
    architecture_optimizer,
    topology_optimizer,
)
from iac_components.interface.api.engines.topology_plan import TopologySearch
from iac_components.interface.api.engines.trainers import scoring_engine
from iac_components.interface.api.inputs.batches import Batches, Item
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.search import (
    FirstOrderGradient,
    SearchCheckpoints,
)

__all__ = ["topology_engines"]


def topology_engines(
    search: TopologySearch,
    parts: Mapping[str, Batches],
    settings: RunSettings,
    *,
    class_names: Sequence[str],
    interval: int,
    record: RunRecord,
) -> tuple[DintsSearchTrainer, SupervisedEvaluator]:
    """Return the trainer of a search and the evaluator that chooses the best architecture.

    Args:
        search: the supernet and the objects of its search.
        parts: ``weights``, ``architecture`` and ``validation``.
        settings: of the run.
        class_names: names of the foreground classes.
        interval: epochs between validations.
        record: of the run.
    """
    network, plan = search.network, search.plan
    loaders = [
        parts[name].loader(
            batch_size=settings.batch_size, seed=seed, num_workers=settings.num_workers
        )
        for name, seed in (("weights", settings.seed), ("architecture", settings.seed + 1))
    ]
    optimizer = topology_optimizer(list(network.weight_parameters()), settings.learning_rate)
    alphas = architecture_optimizer(
        list(network.architecture_parameters()), plan.architecture_learning_rate
    )
    validator = scoring_engine(
        network,
        parts["validation"],
        settings,
        class_names=class_names,
        handlers=[StatsHandler(iteration_log=False), search.best],
    )
    weight_loader, architecture_loader = loaders
    trainer = DintsSearchTrainer(
        device=settings.device,
        max_epochs=settings.epochs,
        epoch_length=settings.steps_per_epoch,
        train_data_loader=weight_loader,
        architecture_data_loader=architecture_loader,
        network=network,
        optimizer=optimizer,
        architecture_optimizer=alphas,
        loss_function=search.loss,
        inferer=SimpleInferer(),
        warmup_epochs=plan.warmup_epochs,
        architecture_every=plan.architecture_every,
        architecture_gradient=FirstOrderGradient(),
        regularizer=_regularizer(search),
        train_handlers=_handlers(
            search,
            loaders,
            (optimizer, alphas),
            settings,
            validator=validator,
            interval=interval,
            record=record,
        ),
        amp=settings.amp,
    )
    return trainer, validator


def _regularizer(search: TopologySearch) -> ArchitectureRegularizer:
    return ArchitectureRegularizer(
        search.network,
        search.budget,
        entropy_weight=search.plan.entropy_weight,
        memory_weight=search.plan.memory_weight,
        topology_weight=search.plan.topology_weight,
    )


def _handlers(
    search: TopologySearch,
    loaders: Sequence[DataLoader[Item]],
    optimizers: tuple[Optimizer, Optimizer],
    settings: RunSettings,
    *,
    validator: Engine,
    interval: int,
    record: RunRecord,
) -> list[object]:
    network, plan, folder = search.network, search.plan, settings.output_dir
    summary = SearchSummary(
        folder / "search_summary.csv", validator=validator, metric_name="val_mean_dice"
    )
    return [
        StepHandlers(network, loaders, seed=settings.seed),
        topology_pruning_handler(
            network,
            search.trace,
            plan.criterion,
            stability=plan.stability,
            audit=search.audit,
            keep_schedule=plan.keep_schedule,
            path_pruning=plan.path_pruning,
            pruning=plan.pruning,
            trace_file=folder / "search_trace.csv",
        ),
        ValidationHandler(interval, validator, True),
        summary,
        SearchCheckpoints(
            folder,
            network,
            optimizer=optimizers[0],
            architecture_optimizer=optimizers[1],
            trace=search.trace,
            audit=cast(Stateful, search.audit),
            record=record,
            results=("architecture.json", "architecture_last.json", "search_summary.csv"),
            resume=settings.resume,
            best=cast(Stateful, search.best),
            summary=cast(Stateful, summary),
        ),
    ]
