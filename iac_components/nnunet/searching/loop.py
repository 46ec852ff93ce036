"""Architecture steps and pruning of a search whose loop is nnU-Net's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.optim import Optimizer

from iac_components.interface.api.engines.components import cell_criterion
from iac_components.networks import CellSearchNetwork
from iac_components.nnunet.plans.options import SearchOptions
from iac_components.search import (
    FirstOrderGradient,
    SearchAudit,
    SearchTrace,
    pruning_handler,
    with_kept_statistics,
)

__all__ = ["SearchLoop"]


class SearchLoop:
    """Part of a search beside the steps of its weights, which nnU-Net's loop makes.

    The pruning handlers are those of the project's own search; the Ignite engine that they listen
    to runs nothing, and its events are fired by whoever runs the loop.

    Args:
        network: the supernet.
        options: of the search.
        weight_optimizer: forgets the weights of what is pruned.
        architecture_optimizer: of the alphas and betas.
        audit: of the search.
        trace_file: where to write the trace after every epoch.

    Attributes:
        trace: of the search.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        options: SearchOptions,
        *,
        weight_optimizer: Optimizer,
        architecture_optimizer: Optimizer,
        audit: SearchAudit,
        trace_file: Path,
    ) -> None:
        self.network = network
        self.options = options
        self.audit = audit
        self.architecture_optimizer = architecture_optimizer
        self.trace = SearchTrace(network.space)
        self._handler = pruning_handler(
            network,
            self.trace,
            options.criterion,
            stability=cell_criterion(options.warmup),
            audit=audit,
            pruning=options.pruning,
            keep_schedule=options.keep_schedule,
            edge_schedule=options.edge_schedule,
            trace_file=trace_file,
        )
        self._engine = Engine(lambda *_: None)
        self._engine.optimizer = weight_optimizer
        self._handler.attach(self._engine)
        architecture_optimizer.register_step_post_hook(self._count)
        self._iteration = 0

    @property
    def decided(self) -> bool:
        """True if one cell is left, or none."""
        return self.options.pruning and len(self.trace) > 0 and self._handler.decided

    def start(self) -> None:
        """Begin or continue the search."""
        # By what an epoch's steps cost the audit spaces its looks.
        self._engine.state.epoch_length = self.options.steps_per_epoch
        self._engine.fire_event(Events.STARTED)
        self._iteration = len(self.trace) * self.options.steps_per_epoch

    def start_epoch(self) -> None:
        """Begin an epoch."""
        self._engine.state.epoch = len(self.trace) + 1
        self._engine.architecture_steps = 0
        self._engine.fire_event(Events.EPOCH_STARTED)

    def end_step(self, loss: Callable[[], Tensor], scaler: torch.amp.GradScaler | None) -> None:
        """Do an architecture step, if one is due after this step of the weights.

        Args:
            loss: computes that of a batch of the architecture half.
            scaler: of mixed precision.
        """
        self._iteration += 1
        due = self._iteration % self.options.architecture_every == 0
        if due and self._engine.state.epoch > self.options.warmup:
            self._step(loss, scaler)
        self._engine.fire_event(Events.ITERATION_COMPLETED)

    def end_epoch(self) -> None:
        """Judge and prune; the network must give one output, not deep supervision's."""
        self._engine.fire_event(Events.EPOCH_COMPLETED)

    def state_dict(self) -> dict[str, object]:
        """Return what a checkpoint must hold beside network and weight optimizer."""
        return {
            "trace": self.trace.state_dict(),
            "architecture_optimizer": self.architecture_optimizer.state_dict(),
            "audit": self.audit.state_dict(),
        }

    def load_state_dict(self, state: object) -> None:
        """Replace what :meth:`state_dict` holds."""
        saved = cast("dict[str, dict[str, Tensor]]", state)
        self.trace.load_state_dict(saved["trace"])
        self.architecture_optimizer.load_state_dict(saved["architecture_optimizer"])
        self.audit.load_state_dict(saved["audit"])

    def _step(self, loss: Callable[[], Tensor], scaler: torch.amp.GradScaler | None) -> None:
        parameters = list(self.network.architecture_parameters())
        weights = [p for p in self.network.weight_parameters() if p.requires_grad]
        with with_kept_statistics(self.network):
            _, gradients = FirstOrderGradient().compute(
                loss if scaler is None else lambda: scaler.scale(loss()),
                loss,
                architecture=parameters,
                weights=weights,
            )
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if scaler is not None:
            scaler.step(self.architecture_optimizer)  # skips non-finite gradients by itself
            scaler.update()
        elif all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            self.architecture_optimizer.step()
        self.architecture_optimizer.zero_grad(set_to_none=True)

    def _count(self, *_: object) -> None:
        self._engine.architecture_steps += 1
