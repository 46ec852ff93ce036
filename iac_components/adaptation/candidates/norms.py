"""Norm layers: their running statistics, and their scale and shift."""

from __future__ import annotations

from torch import Tensor, nn

from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    register_candidate,
)
from iac_components.adaptation.candidates.norm_layers import (
    NormLayers,
    batch_norms,
    norm_layers,
    scale_and_shift,
)

__all__ = ["NormStatistics", "Norms"]

STATISTICS = ("running_mean", "running_var")


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
    in_torchscript = True

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose every batch norm."""
        norms = batch_norms(network)
        if not norms:
            raise NotApplicableError("the network has no batch norm, so no running statistics")
        count = sum(
            getattr(norm[0], name).numel() for norm in norms.values() for name in STATISTICS
        )
        return PartPlan("norm_statistics", tuple(norms), count)

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Give every batch norm statistics of its own."""
        norms = batch_norms(network)
        tensors: dict[str, Tensor] = {}
        for site in plan.sites:
            modules = _at(norms, site)
            for name in STATISTICS:
                values: Tensor = getattr(modules[0], name).clone()
                tensors[f"{site}.{name}"] = values
                for module in modules:
                    setattr(module, name, values)
        return Attachment(tensors)


@register_candidate("norms")
class Norms:
    """Scale and shift of every norm layer; those without get a scale of 1 and a shift of 0.

    In TorchScript, layers without are left alone.
    """

    baseline = False
    learning_rate = 0.01
    estimates = False
    wraps = False
    in_torchscript = True

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose every norm layer."""
        norms = norm_layers(network)
        if not norms:
            raise NotApplicableError("the network has no norm layer")
        sizes = {name: _size(network, modules) for name, modules in norms.items()}
        sites = tuple(name for name, size in sizes.items() if size)
        count = sum(sizes.values())
        if not sites:
            raise NotApplicableError(
                "its norm layers have no scale and shift, and TorchScript takes no new ones"
            )
        if count > options.budget:
            raise NotApplicableError(
                f"its {count} values are more than the budget of {options.budget}"
            )
        return PartPlan("norms", sites, count)

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Give every norm a scale and a shift of its own."""
        norms = norm_layers(network)
        tensors: dict[str, Tensor] = {}
        for site in plan.sites:
            modules = _at(norms, site)
            for name, old in _values(network, modules).items():
                values = nn.Parameter(old.detach().clone())
                tensors[f"{site}.{name}"] = values
                for module in modules:
                    setattr(module, name, values)
        return Attachment(tensors)


def _at(norms: NormLayers, site: str) -> tuple[nn.Module, ...]:
    if site not in norms:
        raise ValueError(f"'{site}' is no norm layer")
    return norms[site]


def _values(network: nn.Module, modules: tuple[nn.Module, ...]) -> dict[str, Tensor]:
    example = next(network.parameters())
    return scale_and_shift(modules[0], device=example.device, dtype=example.dtype)


def _size(network: nn.Module, modules: tuple[nn.Module, ...]) -> int:
    return sum(values.numel() for values in _values(network, modules).values())
