"""A whole search on random tensors in a second, whole or cut off anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.networks.nets import BasicUNet
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from iac_components.engine import EpochSeeding, NonFiniteGuard, ResumableCheckpoint
from iac_components.networks import CellSearchNetwork
from iac_components.search import (
    AuditPruningHandler,
    AuditSettings,
    CellSearchTrainer,
    Decision,
    History,
    PrunedOptimizerState,
    Regardless,
    SearchAudit,
    SearchTrace,
    StabilityPruningHandler,
    build_audit,
)

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


class Images(Dataset):
    """Random images of 16 x 16 with labels of two classes."""

    def __init__(self, count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.rand(count, 1, 16, 16, generator=generator)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image = self.images[index]
        return {"image": image, "label": (image > 0.5).float()}


def loss_function(prediction: Tensor, label: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(prediction, label[:, 0].long())


def supernet(*, frozen: bool = True, norm: str = "batch", **options: object) -> CellSearchNetwork:
    torch.manual_seed(0)
    backbone = BasicUNet(2, 1, 2, (8,) * 6, norm=norm)
    options = {"operations": OPERATIONS, "num_nodes": 2, **options}
    return CellSearchNetwork(
        backbone, frozen_backbone=frozen, input_shape=(1, 1, 16, 16), **options
    )


class AlwaysStable:
    """Calls every group stable at every epoch from ``start`` on."""

    def __init__(self, start: int = 1) -> None:
        self.start = start

    def decide(self, history: History) -> Decision:
        epochs, groups = history.probabilities.shape[:2]
        stable = np.full(groups, epochs >= self.start)
        return Decision(stable, np.full(groups, np.nan))


@dataclass
class Search:
    """The parts of a search, wired as in the search bundles."""

    network: CellSearchNetwork
    optimizer: torch.optim.Optimizer
    architecture_optimizer: torch.optim.Optimizer
    trace: SearchTrace
    handler: StabilityPruningHandler | AuditPruningHandler
    trainer: CellSearchTrainer
    losses: list[float]
    guard: NonFiniteGuard
    audit: SearchAudit | None = None

    def run(self) -> Search:
        self.trainer.run()
        return self


def tiny_search(
    folder: Path | None = None,
    *,
    epochs: int = 4,
    batches: int = 2,
    architecture_batches: int = 1,
    criterion: object = None,
    keep_schedule: Sequence[int] = (2, 1),
    edge_schedule: Sequence[int] = (2,),
    resume: bool = False,
    frozen: bool = True,
    network: CellSearchNetwork | None = None,
    network_options: dict[str, object] | None = None,
    handlers: Sequence[object] = (),
    keep: int = 2,
    audit: dict[str, object] | None = None,
    **options: object,
) -> Search:
    """Build a search; with a folder it writes its trace and checkpoints there.

    ``audit`` has settings of an audit, and the name of its ``criterion``.
    """
    network = network or supernet(frozen=frozen, **(network_options or {}))
    optimizer = torch.optim.AdamW(network.weight_parameters(), lr=1e-2)
    architecture_optimizer = torch.optim.Adam(network.architecture_parameters(), lr=0.05)
    trace = SearchTrace(network.space)
    handler = StabilityPruningHandler(
        network,
        trace,
        criterion or AlwaysStable(3),
        keep_schedule=keep_schedule,
        edge_schedule=edge_schedule,
        trace_file=folder / "search_trace.csv" if folder else None,
    )
    judged = None if audit is None else make_audit(network, folder, **audit)
    if judged is not None and judged.races:
        handler = AuditPruningHandler(
            network,
            trace,
            criterion or Regardless(AlwaysStable()),
            audit=judged,
            trace_file=folder / "search_trace.csv" if folder else None,
        )
    weights = DataLoader(Images(2 * batches, 1), batch_size=2, shuffle=True)
    halves = DataLoader(Images(2 * architecture_batches, 2), batch_size=2, shuffle=True)
    guard = NonFiniteGuard(patience=3)
    save_dict = {
        "network": network,
        "optimizer": PrunedOptimizerState(optimizer, network),
        "architecture_optimizer": architecture_optimizer,
        "trace": trace,
        **({} if judged is None else {"audit": judged}),
    }
    checkpoints = (
        [ResumableCheckpoint(folder / "checkpoints", save_dict, resume=resume, keep=keep)]
        if folder
        else []
    )
    trainer = CellSearchTrainer(
        "cpu",
        epochs,
        weights,
        network,
        optimizer,
        loss_function,
        architecture_data_loader=halves,
        architecture_optimizer=architecture_optimizer,
        train_handlers=[EpochSeeding([weights, halves]), guard, handler, *handlers, *checkpoints],
        **options,
    )
    losses: list[float] = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: losses.append(engine.state.output["loss"].item())
    )
    return Search(
        network, optimizer, architecture_optimizer, trace, handler, trainer, losses, guard, judged
    )


def make_audit(
    network: CellSearchNetwork,
    folder: Path | None = None,
    *,
    criterion: str = "audit",
    patients: int = 5,
    **settings: object,
) -> SearchAudit:
    images = Images(2 * patients, 5)
    items = [{**images[row], "patient": f"p{row // 2}"} for row in range(len(images))]
    return build_audit(
        network,
        items,
        loss_function,
        settings=AuditSettings(**{"warmup_epochs": 0, **settings}),
        criterion=criterion,
        image_shape=(1, 16, 16),
        images_a_patient=2,
        batch_size=4,
        trace_file=folder / "audit_trace.csv" if folder else None,
    )


@pytest.fixture
def make_search() -> Callable[..., Search]:
    return tiny_search


@pytest.fixture
def make_supernet() -> Callable[..., CellSearchNetwork]:
    return supernet


@pytest.fixture
def always_stable() -> Callable[..., AlwaysStable]:
    return AlwaysStable


def snapshot(network: torch.nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.fixture
def changed() -> Callable[..., set[str]]:
    """``changed(network)`` takes a picture; ``changed(network, picture)`` names what has moved."""

    def compare(network, before=None):
        if before is None:
            return snapshot(network)
        after = network.state_dict()
        return {key for key, value in before.items() if not torch.equal(value, after[key])}

    return compare
