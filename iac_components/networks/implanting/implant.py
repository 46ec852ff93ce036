"""Skip modules into the skip connections of a U-shaped network (design: IAC, arXiv 2405.03420)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.places import Place, find_places
from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.implanting.topologies import fusible_blocks
from iac_components.networks.implanting.wiring import wire
from iac_components.networks.monai_repairs import make_exportable
from iac_components.networks.sizing.dry_pass import undisturbed

__all__ = [
    "find_skip_connections",
    "implant",
    "replace_skip_module",
    "skip_fusions",
    "skip_modules",
]


def implant(
    network: nn.Module,
    make_skip_module: MakeSkipModule,
    *,
    input_shape: Sequence[int] | None = None,
    sites: Collection[str] = ("skips",),
) -> nn.Module:
    """Put a skip module into every skip connection of a network, or at other sites, in place.

    Every block that gets a skip feature is replaced, wherever the network holds it, by a
    ``SkipFusion``: blocks of a registered type, and those of a registered topology. The modules
    are made from the finest level to the coarsest, moved to the network's device and type, and
    tried once on zeros, coarsest first as in the decoder; if anything fails, the network is as it
    was. A network with MONAI's parameter-free ResNet shortcuts is made exportable on the way (see
    ``make_exportable``).

    Args:
        network: a U-shaped network that takes one tensor ``(B, C, *S)``: MONAI's AttentionUnet,
            BasicUNet, DynUNet, FlexibleUNet, SegResNet, SegResNetDS, SwinUNETR, UNet, UNETR or
            VNet, or any with decoder blocks registered by ``register_fusion_block``.
        make_skip_module: builds the module of one skip connection.
        input_shape: ``(B, C, *S)`` of the dry pass; None infers it.
        sites: any of ``skips``, ``bottleneck`` and ``decoder``; see ``SkipConnection``. An
            AttentionUnet has only the skips.

    Returns:
        The same network.

    Raises:
        ValueError: if the network has no known block, lacks a site or is implanted already, if the
            dry pass fails, or if a skip module fails or changes the shape of its skip feature.
    """
    kinds = _fusible(network)
    places = find_places(network, kinds, input_shape=input_shape, sites=sites)
    fusions: dict[nn.Module, SkipFusion] = {}
    for place in places.skips:
        block = place.observed.block
        fusions[block] = kinds[block](block, None, connection=place.connection)
    made = [(place, _make(make_skip_module, place)) for place in places.chosen]
    for place, module in made:
        fusions[place.observed.block].put(module, place.connection)
    # In the decoder's order: a module may depend on features of coarser levels.
    for place, module in reversed(made):
        _check_keeps_shape(module, place)

    make_exportable(network)
    wire(network, fusions)
    return network


def find_skip_connections(
    network: nn.Module,
    *,
    input_shape: Sequence[int] | None = None,
    sites: Collection[str] = ("skips",),
) -> list[SkipConnection]:
    """Return the skip connections of a plain network, finest first, without changing it.

    Args:
        network: a network as for ``implant``.
        input_shape: ``(B, C, *S)`` of the dry pass; None infers it.
        sites: as for ``implant``.

    Raises:
        ValueError: as ``implant`` for the network; for an implanted network the connections are
            found in ``skip_fusions``.
    """
    places = find_places(network, _fusible(network), input_shape=input_shape, sites=sites)
    return [place.connection for place in places.chosen]


def skip_fusions(network: nn.Module) -> list[SkipFusion]:
    """Return the wrapped decoder blocks of an implanted network, finest first."""
    fusions = [module for module in network.modules() if isinstance(module, SkipFusion)]
    return sorted(fusions, key=lambda fusion: fusion.connection.level)


def skip_modules(network: nn.Module) -> list[nn.Module]:
    """Return the skip modules of an implanted network, by level; none if it is plain."""
    return [fusion.get_submodule(name) for fusion, name in _children(network)]


def replace_skip_module(network: nn.Module, level: int, module: nn.Module) -> None:
    """Put another skip module at a level of an implanted network."""
    fusion, name = _children(network)[level]
    setattr(fusion, name, module)


def _children(network: nn.Module) -> list[tuple[SkipFusion, str]]:
    """List the wrappers with the names under which they hold skip modules, by level."""
    found = [(fusion, name) for fusion in skip_fusions(network) for name in fusion.places]
    return sorted(found, key=lambda child: child[0].places[child[1]].level)


def _make(make_skip_module: MakeSkipModule, place: Place) -> nn.Module:
    module = make_skip_module(place.connection)
    module.to(device=place.observed.skip.device, dtype=place.observed.skip.dtype)
    return module.train(place.observed.block.training)


def _fusible(network: nn.Module) -> dict[nn.Module, type[SkipFusion]]:
    implanted = skip_fusions(network)
    if implanted:
        raise ValueError(
            f"{type(network).__name__} is implanted already (first at "
            f"'{implanted[0].connection.name}'). Start from a new network."
        )
    return fusible_blocks(network)


def _check_keeps_shape(skip_module: nn.Module, at: Place) -> None:
    observed, name = at.observed, at.connection.name
    place = f"{type(skip_module).__name__} at '{name}'"
    try:
        with undisturbed(skip_module):
            shape = tuple(skip_module(observed.skip, observed.gate).shape)
    # A user's module may raise anything; the place is what its own message lacks.
    except Exception as error:
        raise ValueError(
            f"{place} failed on skip {tuple(observed.skip.shape)} and gate "
            f"{tuple(observed.gate.shape)}: {error}"
        ) from error
    if shape != tuple(observed.skip.shape):
        raise ValueError(
            f"{place} turns a skip feature of shape {tuple(observed.skip.shape)} into {shape}. "
            "A skip module must keep the shape."
        )
