"""A search step of the yardstick, and the same step as our trainer takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import torch
from torch import nn

from iac_components.dints import saved_bytes
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_modules
from iac_components.search.bilevel.gradients import without_gradients
from iac_components.search_space import SearchCell
from studies.measuring.clock import StepClock
from studies.search_cost.searches.yardstick import plain_supernet
from studies.search_cost.steps.memory_format import is_channels_last
from studies.search_cost.steps.steps import Batch, SearchStep
from studies.search_cost.steps.subjects import Subject

__all__ = ["PHASES", "OurStep", "YardstickStep"]

PHASES = ("weight_step", "architecture_step")

_CELL_SCALE = 0.5
"""Cells start at a scale of zero, with which no architecture parameter has a gradient."""


class YardstickStep:
    """A search step of a plain supernet: both phases differentiate by all parameters.

    The backbone is frozen. All steps of a subject start with equal weights, and see their two
    batches again and again.

    Args:
        subject: gives network, loss and optimizers.
        batches: one for the weights, one for the architecture.
        dtype: of weights, features and images.
    """

    def __init__(
        self, subject: Subject, *, batches: Sequence[Batch], dtype: torch.dtype = torch.float32
    ) -> None:
        self.network = self._build(subject).to(dtype)
        self.device = next(self.network.parameters()).device
        self.amp = subject.amp
        self.batches = {
            phase: {key: value.to(self.device, dtype) for key, value in batch.items()}
            for phase, batch in zip(PHASES, batches, strict=True)
        }
        self.loss_function = subject.loss()
        self.optimizers = {
            "weight_step": subject.weight_optimizer(self.network.weight_parameters()),
            "architecture_step": subject.architecture_optimizer(
                self.network.architecture_parameters()
            ),
        }
        self.clock = StepClock(self.device)

    def _build(self, subject: Subject) -> CellSearchNetwork:
        return plain_supernet(_supernet(subject))

    @property
    def device_name(self) -> str:
        """The GPU's name, or ``cpu``."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if on_gpu else self.device.type

    @property
    def memory_format(self) -> str:
        """Memory format of the convolutions' weights."""
        return "channels_last" if is_channels_last(self.network) else "contiguous"

    def __call__(self) -> dict[str, dict[str, float]]:
        """Step the weights, then the architecture; returns what :meth:`StepClock.take` does."""
        self.clock.start()
        for phase in PHASES:
            with self.clock.part(phase):
                self.network.train()
                self.network.zero_grad()
                torch.autograd.backward(self._loss(phase)[1])
                self.optimizers[phase].step()
        return self.clock.take()

    def saved_bytes(self) -> dict[str, int]:
        """Bytes that autograd keeps for each phase's backward pass, each tensor once."""
        self.network.train()
        found = {}
        for phase in PHASES:
            with self._differentiating(phase):
                found[phase] = saved_bytes(self.network, partial(self._loss, phase))
        return found

    def results(self) -> dict[str, torch.Tensor]:
        """Prediction for the weights' batch, and both gradients, in one vector each."""
        self.network.train()
        found: dict[str, torch.Tensor] = {}
        for phase in PHASES:
            parameters = [p for p in self._own(phase) if p.requires_grad]
            with self._differentiating(phase):
                prediction, loss = self._loss(phase)
                gradients = torch.autograd.grad(loss, parameters)
            if phase == "weight_step":
                found["prediction"] = prediction.detach().double().flatten()
            found[f"{phase}_gradient"] = torch.cat([g.double().flatten() for g in gradients])
        return found

    def _own(self, phase: str) -> list[nn.Parameter]:
        own = {
            "weight_step": self.network.weight_parameters,
            "architecture_step": self.network.architecture_parameters,
        }
        return list(own[phase]())

    @contextmanager
    def _differentiating(self, phase: str) -> Iterator[None]:
        """Within the block, a backward pass computes what this phase's takes: here all of it."""
        yield

    def _loss(self, phase: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Prediction (B, C, *S) and loss of the phase's batch."""
        batch = self.batches[phase]
        half = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        with torch.autocast(self.device.type, dtype=half, enabled=self.amp):
            prediction: torch.Tensor = self.network(batch["image"])
            return prediction, self.loss_function(prediction, batch["label"]).mean()


class OurStep(YardstickStep):
    """An iteration of our trainer, as a bundle runs it, past the warm-up.

    Cells share the work of their edges, and each phase differentiates by its own parameters alone.

    Args:
        subject: gives network, loss and optimizers, as the bundle has them.
        batches: one for the weights, one for the architecture.
        dtype: of weights, features and images.
    """

    def __init__(
        self, subject: Subject, *, batches: Sequence[Batch], dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__(subject, batches=batches, dtype=dtype)
        self._trainer_step = SearchStep(
            self.network,
            loss=self.loss_function,
            optimizer=self.optimizers["weight_step"],
            architecture_optimizer=self.optimizers["architecture_step"],
            amp=subject.amp,
            handlers=[self.clock],
        )

    def _build(self, subject: Subject) -> CellSearchNetwork:
        return _supernet(subject)

    @contextmanager
    def _differentiating(self, phase: str) -> Iterator[None]:
        others = [p for other in PHASES if other != phase for p in self._own(other)]
        with without_gradients(others):
            yield

    def __call__(self) -> dict[str, dict[str, float]]:
        """See :meth:`YardstickStep.__call__`; fetching the architecture's batch is ``data``."""
        self.clock.start()
        with self.clock.part("weight_step"):
            self._trainer_step(*self.batches.values())
        return self.clock.take()


def _supernet(subject: Subject) -> CellSearchNetwork:
    """Return the subject's supernet, its cells opened."""
    torch.manual_seed(0)
    network = subject.supernet(frozen_backbone=True, checkpointing=False)
    with torch.no_grad():
        for cell in skip_modules(network):
            cast(SearchCell, cell).scale.fill_(_CELL_SCALE)
    return network
