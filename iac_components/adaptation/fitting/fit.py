"""Training of an adapter's parts on a few cases, with everything else frozen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from iac_components.adaptation.adapter.applying import attach_parts, gather_values
from iac_components.adaptation.adapter.base_network import freeze, network_name, private_copy
from iac_components.adaptation.candidates import Attachment, PartPlan, find_candidate
from iac_components.adaptation.candidates.norm_layers import norm_layers
from iac_components.adaptation.fitting.batch_statistics import estimate_statistics
from iac_components.adaptation.fitting.frozen import FeatureStore, FrozenPart
from iac_components.adaptation.fitting.objective import Objective
from iac_components.adaptation.fitting.pool import PooledWindows
from iac_components.engine.steps.mixed_precision import in_bfloat16

__all__ = ["DivergedError", "FitSettings", "Fitted", "fit_parts", "group_norms_mended"]

WARM_UP = 0.1
STATISTICS_BATCHES = 30


class DivergedError(RuntimeError):
    """A training whose loss is no longer finite."""


@dataclass(frozen=True)
class FitSettings:
    """Length of a training.

    Attributes:
        steps: of the optimizer.
        batch_size: windows of a step.
        rate: factor on every candidate's learning rate.
        amp: whether to compute in bfloat16.
    """

    steps: int = 200
    batch_size: int = 4
    rate: float = 1.0
    amp: bool = False


@dataclass(frozen=True)
class Fitted:
    """A trained network with its parts.

    Attributes:
        network: in eval mode, with the parts folded in.
        values: of the parts, as an adapter holds them.
        start: of the parts before the training, with which the network is the released one.
    """

    network: nn.Module
    values: dict[str, Tensor]
    start: dict[str, Tensor]


def fit_parts(
    network: nn.Module,
    parts: Sequence[PartPlan],
    windows: PooledWindows,
    objective: Objective,
    settings: FitSettings,
    *,
    seed: int,
    store: FeatureStore | None = None,
    after_step: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train parts in a copy of a base network, which stays in eval mode: its dropout is off.

    Args:
        network: the base network, also TorchScript; it is left as it is.
        parts: plans of what is put into it.
        windows: of the cases to train with.
        objective: what is judged.
        settings: length of the training.
        seed: of what is drawn.
        store: for features of the frozen part, shared with other trainings of the same network and
            windows.
        after_step: called after each step; may raise to end the training.

    Raises:
        DivergedError: if the loss is no longer finite.
    """
    device = next(network.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    copy = private_copy(network).eval()
    if device.type == "cpu":
        # Norms of features in channels-last bring them back and forth there.
        copy.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        attachments = attach_parts(copy, parts)
    start = gather_values(attachments)
    if any(find_candidate(part.kind).estimates for part in parts):
        drawn = (windows.draw(generator).to(device).images for _ in range(STATISTICS_BATCHES))
        estimate_statistics(copy, drawn)
        store = None  # features are now others
    groups = [
        {"params": attachment.parameters(), "lr": find_candidate(part.kind).learning_rate}
        for part, attachment in zip(parts, attachments, strict=True)
        if attachment.parameters()
    ]
    if groups:
        # A caller may have switched gradients off.
        with torch.enable_grad(), group_norms_mended(copy):
            _train(copy, groups, windows, objective, settings, generator, store, after_step)
    return _finished(copy, attachments, start)


@contextmanager
def group_norms_mended(network: nn.Module) -> Iterator[None]:
    """Let backward passes of group norms have contiguous features within the block.

    torch 2.13 crashes (segmentation fault) in the backward pass of a group norm on the CPU whose
    input is channels-last and needs no gradient, as behind frozen layers.
    """
    norms = [modules[0] for modules in norm_layers(network).values()]
    if "GroupNorm" not in map(network_name, norms):
        yield
        return
    with _ContiguousFeatures():  # type: ignore[no-untyped-call]
        yield


class _ContiguousFeatures(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands group norms contiguous features in backward passes that end with them."""

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operation of torch."""
        if func is torch.ops.aten.native_group_norm_backward.default:
            features, needed = cast(Tensor, args[1]), cast(Sequence[bool], args[-1])
            if not needed[0]:
                args = (args[0], features.contiguous(), *args[2:])
        return func(*args, **(kwargs or {}))


def _train(
    network: nn.Module,
    groups: list[dict[str, object]],
    windows: PooledWindows,
    objective: Objective,
    settings: FitSettings,
    generator: torch.Generator,
    store: FeatureStore | None,
    after_step: Callable[[], None],
) -> None:
    device = next(network.parameters()).device
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: settings.rate * _share(step, settings.steps)
    )
    loss_of = objective.loss()
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    first = windows.draw(generator).to(device)
    frozen = FrozenPart(network, FeatureStore() if store is None else store, first.images)
    with frozen.replaying() as replayed:
        forward = in_bfloat16(replayed, device.type) if settings.amp else replayed
        for _ in range(settings.steps):
            batch = windows.draw(generator).to(device)
            loss = loss_of(forward(batch), batch.labels)
            if not math.isfinite(loss.item()):
                raise DivergedError("the loss is no longer finite")
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            after_step()


def _share(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then down along a cosine."""
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _finished(
    network: nn.Module, attachments: Sequence[Attachment], start: dict[str, Tensor]
) -> Fitted:
    values = gather_values(attachments)
    for attachment in attachments:
        attachment.finish()
    return Fitted(freeze(network), values, start)
