"""A topology search on random volumes in seconds, whole or cut off anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from iac_components.dints import (
    ArchitectureRegularizer,
    BestArchitecture,
    DintsArchitecture,
    DintsSearchNetwork,
    DintsSearchTrainer,
    DintsSpace,
    MemoryBudget,
    MemoryModel,
    SearchSummary,
    build_topology_audit,
    save_found_architecture,
    topology_pruning_handler,
)
from iac_components.engine import EpochMetrics, EpochSeeding, ResumableCheckpoint
from iac_components.search import (
    AuditSettings,
    Decision,
    History,
    JensenShannonStability,
    PrunedOptimizerState,
    SearchTrace,
    StabilityCriterion,
)

SPACE = DintsSpace(num_blocks=3, num_depths=2, channel_mul=0.125)
PATCH = (8, 8, 8)


class Volumes(Dataset):
    """Random volumes with labels of two classes."""

    def __init__(self, count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.rand(count, 1, *PATCH, generator=generator)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image = self.images[index]
        return {"image": image, "label": (image > 0.5).float()}


def patients(count: int = 4) -> list[dict[str, object]]:
    """Two patches of each patient."""
    return [{**item, "patient": f"p{i % count}"} for i, item in enumerate(Volumes(2 * count, 3))]


def loss_function(prediction: Tensor, label: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(prediction, label[:, 0].long())


def supernet(space: DintsSpace = SPACE, *, spread: float = 0.0) -> DintsSearchNetwork:
    torch.manual_seed(0)
    network = DintsSearchNetwork(space, in_channels=1, out_channels=2)
    if spread:
        for parameter in network.architecture_parameters():
            torch.nn.init.normal_(parameter, std=spread)
    return network


@dataclass(frozen=True)
class AlwaysStable:
    """Everything has settled after ``after`` epochs."""

    after: int = 1

    def decide(self, history: History) -> Decision:
        epochs, groups = history.probabilities.shape[:2]
        stable = torch.full((groups,), epochs > self.after).numpy()
        return Decision(stable, torch.zeros(groups, dtype=torch.float64).numpy())


class Search:
    """A search and everything it consists of."""

    def __init__(
        self,
        folder: Path,
        *,
        epochs: int = 4,
        space: DintsSpace = SPACE,
        fraction: float = 0.8,
        criterion: str | StabilityCriterion | None = None,
        tolerance: float = 0.003,
        items: Sequence[dict[str, object]] | None = None,
        keep_schedule: Sequence[int] = (),
        path_pruning: bool = False,
        resume: bool = False,
        warmup_epochs: int = 1,
        scores: Sequence[float] = (),
        topology_weight: float = 0.001,
    ) -> None:
        self.folder = folder
        self.network = supernet(space)
        self.memory = MemoryModel(self.network, input_shape=(2, 1, *PATCH))
        self.budget = MemoryBudget(self.memory, fraction=fraction)
        self.regularizer = ArchitectureRegularizer(
            self.network, self.budget, topology_weight=topology_weight
        )
        self.trace = SearchTrace(space)
        loaders = [DataLoader(Volumes(8, seed), batch_size=2) for seed in (1, 2)]
        optimizer = torch.optim.SGD(self.network.weight_parameters(), lr=0.01, momentum=0.9)
        architecture_optimizer = torch.optim.Adam(
            self.network.architecture_parameters(), lr=0.05, betas=(0.5, 0.999)
        )
        self.best = BestArchitecture(
            self.network,
            folder / "architecture.json",
            budget=self.budget,
            warmup_epochs=warmup_epochs,
        )
        self.audit = build_topology_audit(
            self.network,
            patients() if items is None else items,
            loss_function,
            settings=AuditSettings(
                every=1, warmup_epochs=warmup_epochs, tolerance=tolerance, passes=40
            ),
            criterion=criterion or JensenShannonStability(),
            budget=self.budget,
            images_a_patient=2,
            trace_file=folder / "audit_trace.csv",
        )
        self.validator = Engine(lambda engine, batch: None)
        self.best.attach(self.validator)
        self.summary = SearchSummary(folder / "search_summary.csv", validator=self.validator)
        self.losses: list[float] = []
        handlers = [
            EpochSeeding(loaders, 0),
            EpochMetrics(),
            topology_pruning_handler(
                self.network,
                self.trace,
                criterion or JensenShannonStability(),
                stability=JensenShannonStability(warmup_epochs=0, window=1, threshold=10.0),
                audit=self.audit,
                keep_schedule=keep_schedule,
                path_pruning=path_pruning,
                trace_file=folder / "search_trace.csv",
            ),
        ]
        self.trainer = DintsSearchTrainer(
            "cpu",
            epochs,
            loaders[0],
            self.network,
            optimizer,
            loss_function,
            architecture_data_loader=loaders[1],
            architecture_optimizer=architecture_optimizer,
            warmup_epochs=warmup_epochs,
            train_handlers=handlers,
            regularizer=self.regularizer,
        )
        self.trainer.add_event_handler(
            Events.ITERATION_COMPLETED,
            lambda engine: self.losses.extend(
                float(value.detach())
                for value in engine.state.output[0].values()
                if value.ndim == 0
            ),
        )
        if scores:
            self.trainer.add_event_handler(
                Events.EPOCH_COMPLETED, lambda engine: self.validate(scores[engine.state.epoch - 1])
            )
        self.summary.attach(self.trainer)
        ResumableCheckpoint(
            folder / "checkpoints",
            {
                "network": self.network,
                "optimizer": PrunedOptimizerState(optimizer, self.network),
                "architecture_optimizer": architecture_optimizer,
                "trace": self.trace,
                "audit": self.audit,
                "best": self.best,
                "summary": self.summary,
            },
            resume=resume,
            keep=20,
        ).attach(self.trainer)

    def validate(self, score: float) -> None:
        """Let the validator report a score for the trainer's epoch, as MONAI's would."""
        self.validator.state.epoch = self.trainer.state.epoch
        self.validator.state.metrics["val_mean_dice"] = score
        self.validator.fire_event(Events.COMPLETED)

    def run(self) -> Search:
        self.trainer.run()
        return self

    def save(self) -> DintsArchitecture:
        """Write what was found."""
        return save_found_architecture(
            self.folder / "architecture.json",
            self.network,
            trace=self.trace,
            settings={},
            budget=self.budget,
            best=self.best,
            audit=self.audit,
        )
