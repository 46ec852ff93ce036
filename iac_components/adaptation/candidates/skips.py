"""Modules in the skip connections: gates, and cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from iac_components.adaptation.candidates.catalogue import (
    Attachment,
    NotApplicableError,
    PartPlan,
    PlanOptions,
    register_candidate,
)
from iac_components.networks import (
    SkipConnection,
    find_skip_connections,
    implant,
    skip_fusions,
)
from iac_components.networks.implanting.untreated import treated_skip
from iac_components.search_space import (
    SCHEMA_VERSION,
    DiscreteCell,
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    parse_genotype,
)

__all__ = ["Cells", "Gates", "SkipGate", "small_cell"]

Make = Callable[[SkipConnection], nn.Module]


class SkipGate(nn.Module):
    """``skip * (1 + gain)`` with a gain a channel that starts at zero."""

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1, channels, *([1] * spatial_dims)))

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Scale ``skip`` (B, C, *S); ``gate`` (B, G, *s) is not used."""
        return skip * (1 + self.gain)


class _Refined(nn.Module):
    """A further skip module behind the one that a network holds already."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Refine ``skip`` (B, C, *S) twice, by the same ``gate`` (B, G, *s)."""
        refined: Tensor = self.second(self.first(skip, gate), gate)
        return refined


@register_candidate("gates")
class Gates:
    """A factor for every channel of every skip connection."""

    baseline = False
    learning_rate = 0.05
    estimates = False
    wraps = True
    in_torchscript = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose every skip connection, as far as the budget reaches, finest first."""
        connections = _connections(network, options.input_shape, ("skips",))
        return _plan("gates", connections, _gate, options, {})

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Put a gate that lets all pass into every skip connection of the plan."""
        return _put(network, plan, _gate, ("skips",))


@register_candidate("cells")
class Cells:
    """Cells of a genotype in the skip connections, from the finest on as far as the budget reaches.

    A network that holds cells already gets the new ones behind its own.
    """

    baseline = False
    learning_rate = 0.02
    estimates = False
    wraps = True
    in_torchscript = False

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose the places within the budget."""
        sites = ("skips",) if options.genotype is None else options.genotype.search_space.sites
        connections = _connections(network, options.input_shape, sites)
        genotype = options.genotype or small_cell(connections[0].spatial_dims)
        space = genotype.search_space
        if space.spatial_dims != connections[0].spatial_dims:
            raise NotApplicableError(
                f"the genotype's cells have {space.spatial_dims} dimensions, the network "
                f"{connections[0].spatial_dims}"
            )
        if space.levels not in (1, len(connections)):
            raise NotApplicableError(
                f"the genotype has {space.levels} levels, the network {len(connections)}"
            )
        kept = [c for c in connections if genotype.treatment(c.level) == "cell"]
        settings = {"genotype": {"schema_version": SCHEMA_VERSION, **genotype.architecture()}}
        return _plan("cells", kept, _cell(genotype), options, settings)

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Put a cell that changes nothing yet into every place of the plan."""
        genotype = parse_genotype(plan.settings["genotype"])
        return _put(network, plan, _cell(genotype), genotype.search_space.sites)


def small_cell(spatial_dims: int) -> Genotype:
    """Return a cell of one node: a separable convolution of the skip and one of the gate."""
    edges = (KeptEdge("skip", "sep_conv_3x3"), KeptEdge("gate", "sep_conv_3x3"))
    space = SearchSpace(spatial_dims=spatial_dims, num_nodes=1)
    return Genotype(space, (NodeGenotype(0, 0, edges),))


def _gate(connection: SkipConnection) -> nn.Module:
    return SkipGate(connection.skip_channels, spatial_dims=connection.spatial_dims)


def _cell(genotype: Genotype) -> Make:
    def make(connection: SkipConnection) -> nn.Module:
        return DiscreteCell(
            connection.skip_channels,
            connection.gate_channels,
            genotype=genotype,
            level=connection.level,
        )

    return make


def _connections(
    network: nn.Module, input_shape: Sequence[int] | None, sites: Sequence[str]
) -> list[SkipConnection]:
    """List the places in a plain network, or in one that holds skip modules already."""
    fusions = skip_fusions(network)
    if fusions:
        held = [c for fusion in fusions for c in fusion.places.values()]
        return sorted((c for c in held if c.site in sites), key=lambda c: c.level)
    try:
        return find_skip_connections(network, input_shape=input_shape, sites=sites)
    except ValueError as error:
        raise NotApplicableError(f"no skip connection can be reached: {error}") from error


def _plan(
    kind: str,
    connections: Sequence[SkipConnection],
    make: Make,
    options: PlanOptions,
    settings: Mapping[str, object],
) -> PartPlan:
    chosen: list[str] = []
    count = 0
    for connection in connections:
        if len(chosen) == options.places:
            break
        with torch.random.fork_rng(devices=[]):
            module = make(connection)
        cost = sum(parameter.numel() for parameter in module.parameters())
        if count + cost <= options.budget:
            chosen.append(_place(connection))
            count += cost
    if not chosen:
        raise NotApplicableError(f"none fits into the budget of {options.budget} values")
    shape = list(options.input_shape) if options.input_shape else None
    return PartPlan(kind, tuple(chosen), count, {**settings, "input_shape": shape})


def _place(connection: SkipConnection) -> str:
    """Name a place; several sites may belong to one block."""
    mark = "" if connection.site == "skips" else f":{connection.site}"
    return f"{connection.name}{mark}"


def _put(network: nn.Module, plan: PartPlan, make: Make, sites: Sequence[str]) -> Attachment:
    example = next(network.parameters())
    made: dict[str, nn.Module] = {}

    def put(connection: SkipConnection) -> nn.Module:
        place = _place(connection)
        if place not in plan.sites:
            return treated_skip("none")
        made[place] = make(connection).to(device=example.device, dtype=example.dtype)
        return made[place]

    fusions = skip_fusions(network)
    for fusion in fusions:
        for name, connection in fusion.places.items():
            if _place(connection) in plan.sites:
                setattr(fusion, name, _Refined(fusion.get_submodule(name), put(connection)))
    if not fusions:
        shape = cast("Sequence[int] | None", plan.settings["input_shape"])
        implant(network, put, input_shape=shape, sites=sites)
    return Attachment(
        {
            f"{place}.{name}": values
            for place, module in made.items()
            for name, values in module.named_parameters()
        }
    )
