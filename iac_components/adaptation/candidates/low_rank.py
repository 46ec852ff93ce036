"""Low-rank changes of convolutions and linear layers (LoRA, Hu et al., arXiv 2106.09685)."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize

from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    register_candidate,
)

__all__ = ["LowRank"]

LARGEST_RANK = 4


class _Change(nn.Module):
    """``weight + left @ right``, the weight as a matrix of its first axis by all others.

    ``left`` starts at zero: the layer is unchanged until it is trained.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = len(weight), weight[0].numel()
        right = torch.randn(rank, columns).to(weight) / math.sqrt(columns)
        self.left = nn.Parameter(torch.zeros(rows, rank).to(weight))
        self.right = nn.Parameter(right)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed weight, in its own shape."""
        return weight + (self.left @ self.right).view_as(weight)


@register_candidate("lora")
class LowRank:
    """A low-rank change of every convolution's (and linear layer's) weight.

    After training it is folded into the weight, so that inference takes no longer. The rank is the
    largest up to 4 that the budget allows; at rank 1 the costliest layers are left out until the
    others fit (our choice).
    """

    baseline = False
    learning_rate = 0.01
    estimates = False
    wraps = False
    in_torchscript = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose layers and rank within the budget."""
        layers = {
            name: module.weight
            for name, module in network.named_modules()
            if isinstance(module, _ConvNd | nn.Linear) and not parametrize.is_parametrized(module)
        }
        if not layers:
            raise NotApplicableError("the network has no convolution")
        costs = {name: len(weight) + weight[0].numel() for name, weight in layers.items()}
        rank = max(1, min(LARGEST_RANK, options.budget // sum(costs.values())))
        chosen: set[str] = set()
        count = 0
        for name in sorted(costs, key=lambda name: costs[name]):
            cost = costs[name] * _rank(layers[name], rank)
            if count + cost <= options.budget:
                chosen.add(name)
                count += cost
        if not chosen:
            raise NotApplicableError(
                f"no layer's change of rank 1 fits into the budget of {options.budget} values"
            )
        sites = tuple(name for name in layers if name in chosen)
        return PartPlan("lora", sites, count, {"rank": rank})

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Put a change of zero into every layer of the plan."""
        tensors: dict[str, Tensor] = {}
        # Not by their paths, which later parts may change.
        changed: list[nn.Module] = []
        for site in plan.sites:
            layer = network.get_submodule(site)
            weight = cast(Tensor, layer.weight)
            change = _Change(weight, _rank(weight, cast(int, plan.settings["rank"])))
            parametrize.register_parametrization(layer, "weight", change)
            tensors[f"{site}.left"] = change.left
            tensors[f"{site}.right"] = change.right
            changed.append(layer)

        def fold() -> None:
            for layer in changed:
                _fold(layer)

        return Attachment(tensors, fold)


def _rank(weight: Tensor, rank: int) -> int:
    return min(rank, len(weight), weight[0].numel())


def _fold(layer: nn.Module) -> None:
    """Leave the changed weight in the layer; the base network's own is not written to."""
    changed = cast(Tensor, layer.weight).detach().clone()
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    layer.weight = nn.Parameter(changed, requires_grad=False)
