"""Trainer of a cell search, composed as in the bundles' configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai.inferers import SimpleInferer

from iac_components.engine import RunRecord
from iac_components.interface.api.engines.components import (
    Loss,
    architecture_optimizer,
    weight_optimizer,
)
from iac_components.interface.api.engines.handlers import search_handlers
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.networks import CellSearchNetwork
from iac_components.search import (
    CellSearchTrainer,
    FirstOrderGradient,
    SearchAudit,
    SearchTrace,
    StabilityCriterion,
    criterion_name,
    pruning_handler,
)

__all__ = ["CellSearchPlan", "cell_search_trainer"]


@dataclass(frozen=True)
class CellSearchPlan:
    """Options of a cell search; the names are those of the bundles.

    Attributes:
        warmup_epochs: epochs that train the weights alone.
        architecture_learning_rate: of the architecture's parameters.
        architecture_every: steps of the weights for one of the architecture.
        pruning: delete operations and inputs that have settled as losers.
        keep_schedule: counts of operations that a stable edge keeps.
        edge_schedule: counts of inputs that a stable node keeps.
        criterion: rule that decides: a name, or a custom criterion.
        stability: the criterion behind the name ``stability``.
        audit: options of the audit.
        loss: of logits and labels.
    """

    warmup_epochs: int
    architecture_learning_rate: float
    architecture_every: int
    pruning: bool
    keep_schedule: Sequence[int]
    edge_schedule: Sequence[int]
    criterion: str | StabilityCriterion
    stability: StabilityCriterion
    audit: Mapping[str, object]
    loss: Loss

    def options(self) -> dict[str, object]:
        """Return the plain values, by the name of their option."""
        return {
            "warmup_epochs": self.warmup_epochs,
            "architecture_learning_rate": self.architecture_learning_rate,
            "architecture_every": self.architecture_every,
            "pruning": self.pruning,
            "keep_schedule": self.keep_schedule,
            "edge_schedule": self.edge_schedule,
            **self.audit,
        }

    def identity(self) -> dict[str, object]:
        """Return the settings that affect the search's result."""
        return {
            **self.options(),
            "criterion": criterion_name(self.criterion),
            "stability": repr(self.stability),
            "loss": self.loss,
        }


def cell_search_trainer(
    network: CellSearchNetwork,
    halves: Mapping[str, Batches],
    settings: RunSettings,
    plan: CellSearchPlan,
    *,
    trace: SearchTrace,
    audit: SearchAudit,
    record: RunRecord,
) -> CellSearchTrainer:
    """Return the trainer of a search. Volumes are read here, if they are not in a cache.

    Args:
        network: the supernet, on its device.
        halves: ``weights`` and ``architecture``.
        settings: of the run.
        plan: how the cell is searched.
        trace: grows by a record an epoch.
        audit: of the search.
        record: of the run.
    """
    loaders = [
        halves[name].loader(
            batch_size=settings.batch_size, seed=seed, num_workers=settings.num_workers
        )
        for name, seed in (("weights", settings.seed), ("architecture", settings.seed + 1))
    ]
    optimizer = weight_optimizer(network.weight_parameters(), settings.learning_rate)
    alphas = architecture_optimizer(
        network.architecture_parameters(), plan.architecture_learning_rate
    )
    pruning = pruning_handler(
        network,
        trace,
        plan.criterion,
        stability=plan.stability,
        audit=audit,
        pruning=plan.pruning,
        keep_schedule=plan.keep_schedule,
        edge_schedule=plan.edge_schedule,
        trace_file=settings.output_dir / "search_trace.csv",
    )
    handlers = search_handlers(
        network,
        pruning,
        loaders=loaders,
        optimizers=(optimizer, alphas),
        trace=trace,
        audit=audit,
        seed=settings.seed,
        record=record,
        output_dir=settings.output_dir,
        resume=settings.resume,
    )
    weight_loader, architecture_loader = loaders
    return CellSearchTrainer(
        device=settings.device,
        max_epochs=settings.epochs,
        epoch_length=settings.steps_per_epoch,
        train_data_loader=weight_loader,  # type: ignore[arg-type]
        architecture_data_loader=architecture_loader,  # type: ignore[arg-type]
        network=network,
        optimizer=optimizer,
        architecture_optimizer=alphas,
        loss_function=plan.loss,
        inferer=SimpleInferer(),
        warmup_epochs=plan.warmup_epochs,
        architecture_every=plan.architecture_every,
        architecture_gradient=FirstOrderGradient(),
        train_handlers=handlers,
        amp=settings.amp,
    )
