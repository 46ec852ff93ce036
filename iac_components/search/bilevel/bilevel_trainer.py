"""Bilevel engine of every search: weights and architecture parameters in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.inferers import Inferer
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from iac_components.common.ranks import average
from iac_components.search.bilevel.gradients import (
    ArchitectureGradient,
    FirstOrderGradient,
    with_kept_statistics,
    without_gradients,
)

__all__ = ["BilevelTrainer", "CellSearchTrainer", "SearchNetwork"]

Batch = dict[str, torch.Tensor]


class SearchNetwork(Protocol):
    """A supernet: its parameters are those of the weights and those of the architecture."""

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters that the weight optimizer trains."""
        ...

    def architecture_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters that the architecture optimizer trains."""
        ...


class BilevelTrainer(SupervisedTrainer):
    """MONAI's trainer with an architecture step after the weight step.

    Each iteration takes one batch for the weights and, past the warm-up, one batch of the other
    half of the training patients for the architecture parameters. The two parameter sets are
    disjoint; neither step touches the other's. Several ranks average the architecture gradients,
    and ``SynchronizedGradients`` those of the weights; the virtual weight step of the second order
    is each rank's own (our choice).

    Args:
        device: of the computation.
        max_epochs: maximal number of epochs; the pruning handler may end the search earlier.
        train_data_loader: batches for the weights, ``image`` (B, C, *S) and ``label`` (B, 1, *S).
        network: the supernet.
        optimizer: of ``network.weight_parameters()``.
        loss_function: of (prediction, label).
        architecture_data_loader: batches for the architecture parameters, repeated without end.
        architecture_optimizer: of ``network.architecture_parameters()``.
        warmup_epochs: epochs at the start that only train the weights.
        architecture_every: an architecture step after every n-th weight step.
        architecture_gradient: first order (default) or second order.
        epoch_length: weight steps an epoch; the whole loader by default.
        inferer: MONAI's ``SimpleInferer`` by default.
        train_handlers: Ignite handlers.
        amp: mixed precision, with CUDA; on a CPU see ``run_until_signal``.

    Attributes:
        architecture_steps: steps that the architecture parameters have taken in the epoch; a step
            that is skipped because of a non-finite gradient does not count.

    Raises:
        ValueError: if a loader is empty, the optimizers share a parameter or miss one, or a count
            is out of range.
    """

    def __init__(
        self,
        device: str | torch.device,
        max_epochs: int,
        train_data_loader: DataLoader[Batch],
        network: SearchNetwork,
        optimizer: Optimizer,
        loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        *,
        architecture_data_loader: DataLoader[Batch],
        architecture_optimizer: Optimizer,
        warmup_epochs: int = 0,
        architecture_every: int = 1,
        architecture_gradient: ArchitectureGradient | None = None,
        epoch_length: int | None = None,
        inferer: Inferer | None = None,
        train_handlers: Sequence[object] | None = None,
        amp: bool = False,
    ) -> None:
        if warmup_epochs < 0 or architecture_every < 1:
            raise ValueError(
                "warmup_epochs must be at least 0 and architecture_every at least 1, got "
                f"{warmup_epochs} and {architecture_every}."
            )
        for name, loader in (
            ("train_data_loader", train_data_loader),
            ("architecture_data_loader", architecture_data_loader),
        ):
            if len(loader) == 0:
                raise ValueError(f"{name} has no batch: add patients or lower the batch size.")
        _check_parameters(network, optimizer, architecture_optimizer)
        self.architecture_data_loader = architecture_data_loader
        self.architecture_optimizer = architecture_optimizer
        self.warmup_epochs = warmup_epochs
        self.architecture_every = architecture_every
        self.architecture_gradient = architecture_gradient or FirstOrderGradient()
        self._architecture_batches: Iterator[Batch] = iter(())
        self.architecture_steps = 0
        architecture_optimizer.register_step_post_hook(self._count_architecture_step)
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            train_data_loader=train_data_loader,
            network=network,
            optimizer=optimizer,
            loss_function=loss_function,
            epoch_length=epoch_length,
            inferer=inferer,
            train_handlers=train_handlers,
            amp=amp,
            decollate=False,
            optim_set_to_none=True,
        )
        # Mixed precision on a CPU is an inferer around this one, put there when the run starts.
        self._exact_inferer = self.inferer
        # First of all handlers' turns is not guaranteed, and not needed: the iterator is lazy.
        self.add_event_handler(Events.EPOCH_STARTED, self._restart_architecture_batches)

    def _count_architecture_step(self, *arguments: object) -> None:
        self.architecture_steps += 1

    def _restart_architecture_batches(self, engine: Engine) -> None:
        self.architecture_steps = 0
        self._architecture_batches = iter(self.architecture_data_loader)

    def _next_architecture_batch(self) -> Batch:
        batch = next(self._architecture_batches, None)
        if batch is None:
            self._architecture_batches = iter(self.architecture_data_loader)
            batch = next(self._architecture_batches)
        return batch

    def _iteration(self, engine: BilevelTrainer, batchdata: Batch) -> dict[str, torch.Tensor]:
        """Do a weight step, then perhaps an architecture step."""
        network: SearchNetwork = self.network
        with without_gradients(list(network.architecture_parameters())):
            output: dict[str, torch.Tensor] = super()._iteration(engine, batchdata)
        due = engine.state.iteration % self.architecture_every == 0
        if engine.state.epoch > self.warmup_epochs and due:
            output["architecture_loss"] = self._architecture_step(batchdata)
        return output

    def _architecture_step(self, weight_batch: Batch) -> torch.Tensor:
        network: SearchNetwork = self.network
        architecture_batch = self._next_architecture_batch()
        parameters = list(network.architecture_parameters())
        weights = [p for p in network.weight_parameters() if p.requires_grad]
        scaler = self.scaler if self.amp else None

        def architecture_loss() -> torch.Tensor:
            loss = self._architecture_loss(architecture_batch)
            return loss if scaler is None else scaler.scale(loss)

        with with_kept_statistics(self.network):
            loss, own_gradients = self.architecture_gradient.compute(
                architecture_loss,
                # Unscaled and in float32: the second order's virtual step takes this gradient as it
                # is, and half precision would round the difference of two of them away.
                lambda: self._loss(weight_batch, exact=True),
                architecture=parameters,
                weights=weights,
            )
        # Before the check for NaN: all ranks must take the same step, or skip it.
        loss, *gradients = average([loss, *own_gradients])
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if scaler is not None:
            loss = loss / scaler.get_scale()
            scaler.step(self.architecture_optimizer)  # skips non-finite gradients by itself
            scaler.update()
        elif all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            self.architecture_optimizer.step()
        self.architecture_optimizer.zero_grad(set_to_none=True)
        return loss

    def _architecture_loss(self, batch: Batch) -> torch.Tensor:
        """Compute the objective of the architecture step: the loss, and in some searches more."""
        return self._loss(batch)

    def _loss(self, batch: Batch, *, exact: bool = False) -> torch.Tensor:
        inputs, targets = self.prepare_batch(batch, self.state.device, self.non_blocking)[:2]
        inferer = self._exact_inferer if exact else self.inferer
        with torch.autocast("cuda", enabled=self.amp and not exact):
            prediction = inferer(inputs, self.network)
            loss: torch.Tensor = self.loss_function(prediction, targets).mean()
        return loss


def _check_parameters(
    network: SearchNetwork, optimizer: Optimizer, architecture_optimizer: Optimizer
) -> None:
    """Each optimizer must hold its own set of parameters, whole, and no other's."""
    for name, held_by, expected in (
        ("weight", optimizer, network.weight_parameters()),
        ("architecture", architecture_optimizer, network.architecture_parameters()),
    ):
        held = {id(p) for group in held_by.param_groups for p in group["params"]}
        if held != {id(p) for p in expected}:
            raise ValueError(
                f"the {name} optimizer does not hold exactly its parameters: build it from "
                f"network.{name}_parameters()."
            )


class CellSearchTrainer(BilevelTrainer):
    """Cell search, whose architecture step sees only the loss of the architecture batch.

    Arguments and errors are :class:`BilevelTrainer`'s; the network is a ``CellSearchNetwork``.
    """
