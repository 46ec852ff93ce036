"""Baselines that an adapter is compared with: the decoder trained again, and the whole network."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from iac_components.adaptation.adapter.base_network import private_copy
from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    register_candidate,
)
from iac_components.networks import SkipConnection, implant, skip_fusions, skip_modules

__all__ = ["Decoder", "Everything"]


@register_candidate("decoder")
class Decoder:
    """Every parameter that is used after the coarsest skip connection has been read."""

    baseline = True
    learning_rate = 0.002
    estimates = False
    wraps = False
    in_torchscript = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Find the modules of the decoder by a dry pass."""
        return _plan("decoder", network, _decoder_names(network, options))

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Let the parameters of the plan be trained."""
        return _loosen(network, plan.sites)


@register_candidate("everything")
class Everything:
    """Every parameter of the network."""

    baseline = True
    learning_rate = 0.002
    estimates = False
    wraps = False
    in_torchscript = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose all parameters."""
        return _plan("everything", network, {name for name, _ in network.named_parameters()})

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Let all parameters be trained."""
        return _loosen(network, plan.sites)


def _plan(kind: str, network: nn.Module, names: Collection[str]) -> PartPlan:
    found = {name: p.numel() for name, p in network.named_parameters() if name in names}
    return PartPlan(kind, tuple(found), sum(found.values()))


def _loosen(network: nn.Module, names: Collection[str]) -> Attachment:
    tensors: dict[str, Tensor] = {}
    shared = {id(p): name for name, p in network.named_parameters() if name in names}
    fresh: dict[str, nn.Parameter] = {}
    # A module, or a weight, may be held under several names.
    for module in network.modules():
        for own, parameter in list(module.named_parameters(recurse=False)):
            name = shared.get(id(parameter))
            if name is None:
                continue
            if name not in fresh:
                fresh[name] = nn.Parameter(parameter.detach().clone())
            setattr(module, own, fresh[name])
    tensors.update({name: fresh[name] for name in names})
    return Attachment(tensors)


class _Watch(nn.Module):
    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return skip


def _decoder_names(network: nn.Module, options: PlanOptions) -> set[str]:
    """Name the parameters of modules that first run after the coarsest skip has been read."""
    copy = private_copy(network).eval()
    names = {id(parameter): name for name, parameter in copy.named_parameters()}
    if not skip_fusions(copy):
        try:
            implant(copy, _watch, input_shape=options.input_shape)
        except ValueError as error:
            raise NotApplicableError(f"no skip connection can be reached: {error}") from error
    begun = False
    before: set[int] = set()

    def begin(*_: object) -> None:
        nonlocal begun
        begun = True

    def note(module: nn.Module, *_: object) -> None:
        if not begun:
            before.update(id(p) for p in module.parameters(recurse=False))

    skip_modules(copy)[-1].register_forward_pre_hook(begin)
    for module in copy.modules():
        module.register_forward_pre_hook(note)
    example = next(copy.parameters())
    shape = options.input_shape
    if shape is None:
        raise NotApplicableError("the decoder is found by a pass, which needs input_shape")
    with torch.no_grad():
        copy(torch.zeros(tuple(shape), device=example.device, dtype=example.dtype))
    return {name for key, name in names.items() if key not in before}


def _watch(connection: SkipConnection) -> nn.Module:
    return _Watch()
