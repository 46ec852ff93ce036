"""Skip modules into the skip connections of a U-shaped network (design: IAC, arXiv 2405.03420)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from iac_components.networks.fusion import SkipFusion, fusion_block_types
from iac_components.networks.monai_repairs import make_exportable
from iac_components.networks.sizing.dry_pass import ObservedBlock, observe_blocks, undisturbed
from iac_components.networks.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.topologies import fusible_blocks, known_networks
from iac_components.networks.wiring import wire

__all__ = ["find_skip_connections", "implant", "skip_fusions", "skip_modules"]


def implant(
    network: nn.Module,
    make_skip_module: MakeSkipModule,
    *,
    input_shape: Sequence[int] | None = None,
) -> nn.Module:
    """Put a skip module into every skip connection of a network, in place.

    Every block that gets a skip feature is replaced, wherever the network holds it, by a
    ``SkipFusion``: blocks of a registered type, and those of a registered topology. The modules
    are made from the finest level to the coarsest, moved to the network's device and type, and
    tried once on zeros, coarsest first as in the decoder; if anything fails, the network is as it
    was. A network with MONAI's parameter-free ResNet shortcuts is made exportable on the way (see
    ``make_exportable``).

    Args:
        network: a U-shaped network that takes one tensor ``(B, C, *S)``: MONAI's AttentionUnet,
            BasicUNet, DynUNet, FlexibleUNet, SegResNet, SegResNetDS, SwinUNETR, UNet, UNETR or
            VNet, or any with decoder blocks that ``register_fusion_block`` made known.
        make_skip_module: builds the module of one skip connection.
        input_shape: ``(B, C, *S)`` of the dry pass; None infers it.

    Returns:
        The same network.

    Raises:
        ValueError: if the network has no known block or is implanted already, if the dry pass
            fails, or if a skip module fails or changes the shape of its skip feature.
    """
    kinds = _fusible(network)
    places = _find_places(network, kinds, input_shape)
    fusions: dict[nn.Module, SkipFusion] = {}
    for connection, observed in places:
        skip_module = make_skip_module(connection)
        skip_module.to(device=observed.skip.device, dtype=observed.skip.dtype)
        skip_module.train(observed.block.training)
        fusion = kinds[observed.block]
        fusions[observed.block] = fusion(observed.block, skip_module, connection=connection)
    # In the decoder's order: a module may lean on what coarser levels computed before it.
    for connection, observed in reversed(places):
        _check_keeps_shape(fusions[observed.block].skip_module, connection, observed)

    make_exportable(network)
    wire(network, fusions)
    return network


def find_skip_connections(
    network: nn.Module, *, input_shape: Sequence[int] | None = None
) -> list[SkipConnection]:
    """Return the skip connections of a plain network, finest first, without changing it.

    Args:
        network: a network as for ``implant``.
        input_shape: ``(B, C, *S)`` of the dry pass; None infers it.

    Raises:
        ValueError: as ``implant`` for the network; for an implanted network the connections are
            found in ``skip_fusions``.
    """
    places = _find_places(network, _fusible(network), input_shape)
    return [connection for connection, _ in places]


def skip_fusions(network: nn.Module) -> list[SkipFusion]:
    """Return the wrapped decoder blocks of an implanted network, finest first."""
    fusions = [module for module in network.modules() if isinstance(module, SkipFusion)]
    return sorted(fusions, key=lambda fusion: fusion.connection.level)


def skip_modules(network: nn.Module) -> list[nn.Module]:
    """Return the skip modules of an implanted network, finest first; none if it is plain."""
    return [fusion.skip_module for fusion in skip_fusions(network)]


def _fusible(network: nn.Module) -> dict[nn.Module, type[SkipFusion]]:
    implanted = skip_fusions(network)
    if implanted:
        raise ValueError(
            f"{type(network).__name__} is implanted already (first at "
            f"'{implanted[0].connection.name}'). Start from a new network."
        )
    return fusible_blocks(network)


def _find_places(
    network: nn.Module,
    kinds: Mapping[nn.Module, type[SkipFusion]],
    input_shape: Sequence[int] | None,
) -> list[tuple[SkipConnection, ObservedBlock]]:
    observed = observe_blocks(network, kinds, input_shape=input_shape) if kinds else []
    if not observed:
        blocks = ", ".join(block_type.__name__ for block_type in fusion_block_types())
        raise ValueError(
            f"{type(network).__name__} has no decoder block that is known and gets a skip "
            f"feature (known: {blocks}), nor is it one of {', '.join(known_networks())}. Fuse in "
            "a block called as (coarse, skip), and register its type with register_fusion_block."
        )
    names = {module: name for name, module in network.named_modules()}
    # The decoder runs from coarse to fine, so at equal resolution the later block is the finer.
    order = range(len(observed))
    finest_first = sorted(order, key=lambda i: (-observed[i].skip[0, 0].numel(), -i))
    return [
        (_describe(names[observed[i].block], level, observed[i]), observed[i])
        for level, i in enumerate(finest_first)
    ]


def _describe(name: str, level: int, observed: ObservedBlock) -> SkipConnection:
    return SkipConnection(
        name=name,
        level=level,
        skip_channels=observed.skip.shape[1],
        gate_channels=observed.gate.shape[1],
        spatial_dims=observed.skip.ndim - 2,
    )


def _check_keeps_shape(
    skip_module: nn.Module, connection: SkipConnection, observed: ObservedBlock
) -> None:
    place = f"{type(skip_module).__name__} at '{connection.name}'"
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
