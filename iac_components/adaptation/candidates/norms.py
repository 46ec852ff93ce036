"""Norm layers: their running statistics, and their scale and shift."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    register_candidate,
)

__all__ = ["NormStatistics", "Norms", "batch_norms"]


def batch_norms(network: nn.Module) -> dict[str, _BatchNorm]:
    """Return the batch norms that keep running statistics, by their paths."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    }


@register_candidate("norm_statistics")
class NormStatistics:
    """Running mean and variance of batch norms, re-estimated on the site's images.

    Source: adaptive batch normalization, Li et al., arXiv 1603.04779. Norms of each image on its
    own (instance, group, layer) have no such statistics.
    """

    baseline = False
    learning_rate = 0.0
    estimates = True
    wraps = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose every batch norm."""
        norms = batch_norms(network)
        if not norms:
            raise NotApplicableError("the network has no batch norm, so no running statistics")
        count = sum(2 * norm.num_features for norm in norms.values())
        return PartPlan("norm_statistics", tuple(norms), count)

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Give every batch norm statistics of its own."""
        tensors: dict[str, Tensor] = {}
        for site in plan.sites:
            norm = network.get_submodule(site)
            for name in ("running_mean", "running_var"):
                values: Tensor = getattr(norm, name).clone()
                setattr(norm, name, values)
                tensors[f"{site}.{name}"] = values
        return Attachment(tensors)


@register_candidate("norms")
class Norms:
    """Scale and shift of every norm layer; those without get a scale of 1 and a shift of 0."""

    baseline = False
    learning_rate = 0.01
    estimates = False
    wraps = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose every norm layer."""
        norms = {
            name: module
            for name, module in network.named_modules()
            if isinstance(module, _NormBase | nn.GroupNorm | nn.LayerNorm)
        }
        if not norms:
            raise NotApplicableError("the network has no norm layer")
        count = sum(2 * _shape(norm).numel() for norm in norms.values())
        if count > options.budget:
            raise NotApplicableError(
                f"its {count} values are more than the budget of {options.budget}"
            )
        return PartPlan("norms", tuple(norms), count)

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Give every norm a scale and a shift of its own."""
        example = next(network.parameters())
        tensors: dict[str, Tensor] = {}
        for site in plan.sites:
            norm = network.get_submodule(site)
            for name, fill in (("weight", 1.0), ("bias", 0.0)):
                old = getattr(norm, name)
                if old is None:
                    shape = _shape(norm)
                    old = torch.full(shape, fill, device=example.device, dtype=example.dtype)
                values = nn.Parameter(old.detach().clone())
                setattr(norm, name, values)
                tensors[f"{site}.{name}"] = values
        return Attachment(tensors)


def _shape(norm: nn.Module) -> torch.Size:
    if isinstance(norm, nn.LayerNorm):
        return torch.Size(norm.normalized_shape)
    if isinstance(norm, nn.GroupNorm):
        return torch.Size((norm.num_channels,))
    return torch.Size((cast(_NormBase, norm).num_features,))
