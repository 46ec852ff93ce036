"""Memory cases: the training and search steps that are compared, and their measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.optim import Optimizer

from iac_components.common.registry import Registry
from iac_components.networks import CellSearchNetwork
from studies.measuring.peak_memory import PeakMeter, give_back_freed
from studies.search_cost.searches.yardstick import PlainSearch, plain_supernet
from studies.search_cost.steps.kept import kept_bytes, search_passes
from studies.search_cost.steps.steps import (
    Batch,
    SearchStep,
    TrainingStep,
    noise_batch,
    one_batch_loader,
)
from studies.search_cost.steps.subjects import Subject

__all__ = ["CASES", "PLAIN", "Workload", "keep_two", "weigh"]

PLAIN = "plain"
"""The case that the others are compared with."""


@dataclass(frozen=True)
class Workload:
    """A network, its step, and what takes part in each forward pass of the step.

    Attributes:
        network: what is trained.
        step: of a batch, and of one for the architecture.
        optimizers: whose state is held between steps.
        passes: by the name of a forward pass of the step, the parameters without gradient in it.
    """

    network: nn.Module
    step: Callable[[Batch, Batch], None]
    optimizers: tuple[Optimizer, ...]
    passes: Mapping[str, list[nn.Parameter]] = field(default_factory=lambda: {"step": []})

    def held_bytes(self) -> int:
        """Bytes of weights, buffers, gradients and the optimizers' state."""
        weights = list(self.network.parameters())
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        states = [
            value
            for optimizer in self.optimizers
            for state in optimizer.state.values()
            for value in state.values()
            if isinstance(value, torch.Tensor)
        ]
        return sum(t.nbytes for t in (*weights, *self.network.buffers(), *gradients, *states))


CASES: Registry[Callable[[Subject], Workload]] = Registry("case")
"""Each builds a subject's workload."""


@CASES.register(PLAIN)
def _plain(subject: Subject) -> Workload:
    """Build the plain backbone, all of whose weights train."""
    network = subject.backbone()
    optimizer = subject.weight_optimizer(network.parameters())
    step = TrainingStep(network, loss=subject.loss(), optimizer=optimizer, amp=subject.amp)
    return Workload(network, step, (optimizer,))


@CASES.register("search")
def _search(subject: Subject) -> Workload:
    """Build the search on a frozen backbone."""
    return _our_search(subject, subject.supernet(frozen_backbone=True, checkpointing=False))


@CASES.register("search, checkpointing")
def _checkpointed(subject: Subject) -> Workload:
    """Build the same, with the features of the edges recomputed in the backward pass."""
    return _our_search(subject, subject.supernet(frozen_backbone=True, checkpointing=True))


@CASES.register("search, two operations an edge")
def _pruned(subject: Subject) -> Workload:
    """Build the same, towards its end."""
    network = subject.supernet(frozen_backbone=True, checkpointing=False)
    network.prune(keep_two(network))
    return _our_search(subject, network)


@CASES.register("search, backbone trained too")
def _joint(subject: Subject) -> Workload:
    """Build the search from scratch, as the bundles run it without a trained backbone."""
    return _our_search(subject, subject.supernet(frozen_backbone=False, checkpointing=False))


@CASES.register("yardstick")
def _yardstick(subject: Subject) -> Workload:
    """Plain PC-DARTS on a frozen backbone: edge by edge, all gradients in each backward pass."""
    network = plain_supernet(subject.supernet(frozen_backbone=True, checkpointing=False))
    optimizers = _optimizers(subject, network)
    loader = one_batch_loader()
    search = PlainSearch(
        network,
        subject.loss(),
        optimizer=optimizers[0],
        architecture_optimizer=optimizers[1],
        weight_loader=loader,
        architecture_loader=loader,
        device=next(network.parameters()).device,
    )

    def step(batch: Batch, architecture_batch: Batch) -> None:
        search.weight_step(batch)
        search.architecture_step(architecture_batch)

    return Workload(network, step, optimizers)


def keep_two(network: CellSearchNetwork) -> torch.Tensor:
    """Return a mask (L, E, O) of two operations an edge; all but ``none`` take turns."""
    space = network.space
    useful = [place for place in range(len(space.operations)) if place != space.none_index]
    alive = torch.zeros_like(network.alive)
    for edge in range(len(space.edges)):
        for turn in range(2):
            alive[:, edge, useful[(2 * edge + turn) % len(useful)]] = True
    return alive


def weigh(subject: Subject, case: str, *, steps: int = 2) -> dict[str, object]:
    """Weigh a case in this process, which must have done no such thing before.

    Args:
        subject: what is trained, and on what shape.
        case: name of one of ``CASES``.
        steps: steps whose peak counts.

    Returns:
        The bytes that the peak of the steps lies above what the process held before them, those
        held (weights, gradients, states), and those kept for each backward pass.
    """
    torch.manual_seed(0)
    workload = CASES.require(case)(subject)
    device = next(workload.network.parameters()).device

    def batches(batch_size: int) -> list[Batch]:
        shape = (batch_size, *subject.shape[1:])
        return [noise_batch(shape, classes=subject.classes, device=device) for _ in range(2)]

    # A step on a small batch loads every kernel and makes all gradients and states.
    workload.step(*batches(1))
    whole = batches(subject.shape[0])
    give_back_freed()
    meter = PeakMeter(device)
    for _ in range(steps):
        workload.step(*whole)
    growth = meter.growth()
    held = workload.held_bytes()
    with torch.autocast("cuda", enabled=subject.amp):
        kept = kept_bytes(
            workload.network, lambda: _loss(workload, subject, whole[0]), workload.passes
        )
    return {
        "subject": subject.name,
        "case": case,
        "device": device.type,
        "input_shape": list(subject.shape),
        "peak_growth_bytes": growth,
        "held_bytes": held,
        "saved_bytes": kept,
        "trained_parameters": sum(
            p.numel() for o in workload.optimizers for g in o.param_groups for p in g["params"]
        ),
    }


def _our_search(subject: Subject, network: CellSearchNetwork) -> Workload:
    optimizers = _optimizers(subject, network)
    step = SearchStep(
        network,
        loss=subject.loss(),
        optimizer=optimizers[0],
        architecture_optimizer=optimizers[1],
        amp=subject.amp,
    )
    return Workload(network, step, optimizers, search_passes(network))


def _optimizers(subject: Subject, network: CellSearchNetwork) -> tuple[Optimizer, Optimizer]:
    return (
        subject.weight_optimizer(network.weight_parameters()),
        subject.architecture_optimizer(network.architecture_parameters()),
    )


def _loss(workload: Workload, subject: Subject, batch: Batch) -> torch.Tensor:
    return subject.loss()(workload.network(batch["image"]), batch["label"])
