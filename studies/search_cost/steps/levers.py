"""Options that can make a search step cheaper, each switched on by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import MappingProxyType
from typing import cast

import torch
from torch import nn

from iac_components.dints import saved_bytes
from iac_components.networks import CellSearchNetwork
from iac_components.networks.encoder_memo import EncoderMemo
from iac_components.networks.implanting.implant import skip_modules
from iac_components.search.bilevel.gradients import without_gradients
from iac_components.search_space import NONE_OPERATION, SearchCell, SearchSpace
from studies.measuring.clock import StepClock
from studies.search_cost.searches.yardstick import plain_supernet
from studies.search_cost.steps.memory_format import CHANNELS_LAST, is_channels_last
from studies.search_cost.steps.steps import Batch, SearchStep
from studies.search_cost.steps.subjects import Subject

__all__ = ["LEVERS", "PHASES", "LeveredStep", "OurStep"]

LEVERS: Mapping[str, str] = MappingProxyType(
    {
        "own_gradient": "each step differentiates by its own parameters alone",
        "fused": "edges that share an input are evaluated together (SearchCell)",
        "channels_last": "memory format of weights and features",
        "encoder_memory": "a frozen encoder's features are there already: an upper bound",
        "checkpointing": "features within the edges are recomputed in the backward pass",
        "half_operations": "half of every edge's operations deleted",
        "two_operations": "all but two of every edge's operations deleted",
        "autocast": "16-bit arithmetic: bfloat16 on a CPU, float16 with a scaled loss on a GPU",
        "compile": "torch.compile of the network",
    }
)

PHASES = ("weight_step", "architecture_step")

_CELL_SCALE = 0.5
"""Cells start at a scale of zero, with which no architecture parameter has a gradient."""


class LeveredStep:
    """A search step of a supernet: the yardstick's, but for the levers that are on.

    The backbone is frozen. All steps of a subject start with equal weights, and see their two
    batches again and again.

    Args:
        subject: gives network, loss and optimizers, in the default memory format.
        levers: names of :data:`LEVERS`.
        batches: one for the weights, one for the architecture.
        dtype: of weights, features and images.

    Raises:
        ValueError: if a lever is unknown.
    """

    def __init__(
        self,
        subject: Subject,
        levers: Sequence[str] = (),
        *,
        batches: Sequence[Batch],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        unknown = sorted(set(levers) - set(LEVERS))
        if unknown:
            raise ValueError(f"there is no lever {unknown[0]}. Known: {', '.join(LEVERS)}.")
        self.levers = frozenset(levers)
        self.network = self._build(subject, dtype)
        self.device = next(self.network.parameters()).device
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
        self._memo: EncoderMemo | None = None
        if "encoder_memory" in self.levers:
            self._memo = EncoderMemo(self.network)
            for phase, batch in self.batches.items():
                self._memo.record(phase, batch["image"])
        scaled = "autocast" in self.levers and self.device.type == "cuda"
        self._scaler = torch.GradScaler(self.device.type, enabled=scaled)
        self._called: nn.Module = self.network
        if "compile" in self.levers:
            self._called = cast(nn.Module, torch.compile(self.network))

    def _build(self, subject: Subject, dtype: torch.dtype) -> CellSearchNetwork:
        torch.manual_seed(0)
        network = subject.supernet(
            frozen_backbone=True, checkpointing="checkpointing" in self.levers
        ).to(dtype)
        with torch.no_grad():
            for cell in skip_modules(network):
                cast(SearchCell, cell).scale.fill_(_CELL_SCALE)
        left = {
            "half_operations": len(network.space.operations) // 2,
            "two_operations": 2,
        }
        for lever in self.levers & set(left):
            network.prune(_survivors(network.space, left[lever]).to(network.alive.device))
        if "channels_last" in self.levers:
            network.to(memory_format=CHANNELS_LAST[len(subject.shape)])  # type: ignore[call-overload]
        return network if "fused" in self.levers else plain_supernet(network)

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
                self._step(phase)
        return self.clock.take()

    def _step(self, phase: str) -> None:
        self.network.train()
        self.network.zero_grad()
        with self._differentiating(phase):
            loss = self._loss(phase)[1]
            torch.autograd.backward(self._scaler.scale(loss))
        self._scaler.step(self.optimizers[phase])
        self._scaler.update()

    def saved_bytes(self) -> dict[str, int]:
        """Bytes that autograd keeps for each phase's backward pass, each tensor once.

        Those that checkpointing recomputes during the backward pass are not among them.
        """
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
        scale = self._scaler.get_scale() if self._scaler.is_enabled() else 1.0
        for phase in PHASES:
            parameters = [p for p in self._own(phase) if p.requires_grad]
            with self._differentiating(phase):
                prediction, loss = self._loss(phase)
                gradients = torch.autograd.grad(loss * scale, parameters)
            if phase == "weight_step":
                found["prediction"] = prediction.detach().double().flatten()
            found[f"{phase}_gradient"] = torch.cat([g.double().flatten() for g in gradients])
            found[f"{phase}_gradient"] /= scale
        return found

    def _own(self, phase: str) -> list[nn.Parameter]:
        own = {
            "weight_step": self.network.weight_parameters,
            "architecture_step": self.network.architecture_parameters,
        }
        return list(own[phase]())

    @contextmanager
    def _differentiating(self, phase: str) -> Iterator[None]:
        """Within the block, a backward pass computes what this phase's takes."""
        others = [p for other in PHASES if other != phase for p in self._own(other)]
        with without_gradients(others if "own_gradient" in self.levers else []):
            yield

    def _loss(self, phase: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Prediction (B, C, *S) and loss of the phase's batch."""
        batch = self.batches[phase]
        half = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        with ExitStack() as stack:
            if self._memo is not None:
                stack.enter_context(self._memo.recalling(phase))
            on = "autocast" in self.levers
            stack.enter_context(torch.autocast(self.device.type, dtype=half, enabled=on))
            prediction: torch.Tensor = self._called(batch["image"])
            return prediction, self.loss_function(prediction, batch["label"]).mean()


class OurStep(LeveredStep):
    """An iteration of our trainer, as a bundle runs it, past the warm-up.

    Results and saved bytes are those of the levers that the trainer has on.

    Args:
        subject: gives network, loss and optimizers, as the bundle has them.
        batches: one for the weights, one for the architecture.
        dtype: of weights, features and images.
    """

    def __init__(
        self, subject: Subject, *, batches: Sequence[Batch], dtype: torch.dtype = torch.float32
    ) -> None:
        levers = ["own_gradient", "fused", *(["autocast"] if subject.amp else [])]
        super().__init__(subject, levers, batches=batches, dtype=dtype)
        self._trainer_step = SearchStep(
            self.network,
            loss=self.loss_function,
            optimizer=self.optimizers["weight_step"],
            architecture_optimizer=self.optimizers["architecture_step"],
            amp=subject.amp,
            handlers=[self.clock],
        )

    def __call__(self) -> dict[str, dict[str, float]]:
        """See :meth:`LeveredStep.__call__`; fetching the architecture's batch is ``data``."""
        self.clock.start()
        with self.clock.part("weight_step"):
            self._trainer_step(*self.batches.values())
        return self.clock.take()


def _survivors(space: SearchSpace, count: int) -> torch.Tensor:
    """(L, E, O) where each edge keeps ``count`` operations at random, not ``none`` alone.

    Which ones a search would keep is not known beforehand, and they differ in cost; the draw is
    the same each time.
    """
    generator = torch.Generator().manual_seed(0)
    alive = torch.zeros(space.levels, len(space.edges), len(space.operations), dtype=torch.bool)
    useful = [i for i, name in enumerate(space.operations) if name != NONE_OPERATION]
    for edge in alive.flatten(0, 1):
        first = useful[int(torch.randint(len(useful), (1,), generator=generator))]
        others = [i for i in torch.randperm(len(edge), generator=generator).tolist() if i != first]
        edge[[first, *others[: count - 1]]] = True
    return alive
