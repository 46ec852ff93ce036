"""Places for skip modules in a network, found by one dry pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from iac_components.networks.implanting.fusion import SkipFusion, fusion_block_types
from iac_components.networks.implanting.skip_connection import SkipConnection
from iac_components.networks.implanting.topologies import known_networks
from iac_components.networks.sizing.dry_pass import ObservedBlock, observe_blocks
from iac_components.search_space import SITES

__all__ = ["Place", "Places", "find_places"]


@dataclass(frozen=True)
class Place:
    """Place for a skip module, and the inputs of a module there."""

    connection: SkipConnection
    observed: ObservedBlock


@dataclass(frozen=True)
class Places:
    """The places of a network.

    Attributes:
        skips: of all skip connections, finest first; their blocks are wrapped.
        chosen: of the sites that were asked for, by level.
    """

    skips: tuple[Place, ...]
    chosen: tuple[Place, ...]


def find_places(
    network: nn.Module,
    kinds: Mapping[nn.Module, type[SkipFusion]],
    *,
    input_shape: Sequence[int] | None,
    sites: Collection[str],
) -> Places:
    """Observe the blocks of a network and number the places of some sites.

    Args:
        network: a plain network.
        kinds: its blocks that may get a skip feature, each with its wrapper.
        input_shape: ``(B, C, *S)`` of the dry pass; None infers it.
        sites: out of ``SITES``.

    Raises:
        ValueError: if a site is unknown or the network does not have it, no block gets a skip
            feature, or the dry pass fails.
    """
    unknown = sorted(set(sites) - set(SITES))
    if unknown or not sites:
        raise ValueError(f"sites must be some of {', '.join(SITES)}, got {list(sites)}.")
    observed = observe_blocks(network, kinds, input_shape=input_shape, sites=sites) if kinds else []
    names = {module: name for name, module in network.named_modules()}
    skips = _finest_first([place for place in observed if place.site == "skips"])
    if not skips:
        blocks = ", ".join(block_type.__name__ for block_type in fusion_block_types())
        raise ValueError(
            f"{type(network).__name__} has no decoder block that is known and gets a skip "
            f"feature (known: {blocks}), nor is it one of {', '.join(known_networks())}. Fuse in "
            "a block called as (coarse, skip), and register its type with register_fusion_block."
        )
    by_site = {
        "skips": skips,
        "bottleneck": _at("bottleneck", observed, skips[-1:]),
        "decoder": _at("decoder", observed, skips),
    }
    chosen = [place for site in SITES if site in sites for place in by_site[site]]
    missing = [site for site in SITES if site in sites and not by_site[site]]
    if missing:
        raise ValueError(
            f"{type(network).__name__} has no site '{missing[0]}': the feature does not pass "
            f"{type(skips[0].block).__name__}, in which it takes its skips. Leave the site out."
        )
    return Places(
        tuple(_describe(names, level, place) for level, place in enumerate(skips)),
        tuple(_describe(names, level, place) for level, place in enumerate(chosen)),
    )


def _finest_first(observed: Sequence[ObservedBlock]) -> list[ObservedBlock]:
    # The decoder runs from coarse to fine, so at equal resolution the later block is the finer.
    order = range(len(observed))
    finest = sorted(order, key=lambda i: (-observed[i].skip[0, 0].numel(), -i))
    return [observed[i] for i in finest]


def _at(
    site: str, observed: Sequence[ObservedBlock], skips: Sequence[ObservedBlock]
) -> list[ObservedBlock]:
    """Return the observations at a site of these skips' blocks, in their order."""
    found = {place.block: place for place in observed if place.site == site}
    return [found[skip.block] for skip in skips if skip.block in found]


def _describe(names: Mapping[nn.Module, str], level: int, observed: ObservedBlock) -> Place:
    connection = SkipConnection(
        name=names[observed.block],
        level=level,
        skip_channels=observed.skip.shape[1],
        gate_channels=observed.gate.shape[1],
        spatial_dims=observed.skip.ndim - 2,
        site=observed.site,
    )
    return Place(connection, observed)
