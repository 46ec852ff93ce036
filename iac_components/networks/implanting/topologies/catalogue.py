"""Registry of the networks whose skip places are not blocks of a registered type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from torch import nn

from iac_components.networks.implanting.fusion import SkipFusion, fusion_block_types

__all__ = [
    "DecoderLoop",
    "Topology",
    "fusible_blocks",
    "known_networks",
    "own_decoder_loops",
    "register_topology",
]


@dataclass(frozen=True)
class DecoderLoop:
    """Method in which a network adds its skips, and its replacement.

    Attributes:
        method: name of the network's method.
        twin: called as ``twin(network, ...)`` with the method's arguments; it computes the same,
            and calls each fusion as ``fusion(coarse, skip)`` where the method adds the skip.
    """

    method: str
    twin: Callable[..., object]


@dataclass(frozen=True)
class Topology:
    """The skip places of a type of network, and how they are wrapped.

    Attributes:
        network_type: the network; its subclasses are meant as well.
        fusion: the wrapper of each block; its ``forward`` takes the block's arguments.
        find_blocks: returns the modules inside a network to wrap. It raises a ValueError that
            gives a reason if a subclass has changed what the wrapper depends on.
        loop: the method to replace, if the network's own adds the skips.
    """

    network_type: type[nn.Module]
    fusion: type[SkipFusion]
    find_blocks: Callable[[nn.Module], Iterable[nn.Module]]
    loop: DecoderLoop | None = None


_TOPOLOGIES: list[Topology] = []


def register_topology(topology: Topology) -> Topology:
    """Register a network for the implant; of two that match, the one registered last counts."""
    _TOPOLOGIES.insert(0, topology)
    return topology


def known_networks() -> tuple[str, ...]:
    """Return the names of the registered networks, in order of registration."""
    return tuple(topology.network_type.__name__ for topology in reversed(_TOPOLOGIES))


def fusible_blocks(network: nn.Module) -> dict[nn.Module, type[SkipFusion]]:
    """Return the modules that may get a skip feature, each with its wrapper.

    They are the blocks of the registered networks, wherever ``network`` holds one, and all blocks
    of a type that ``register_fusion_block`` made known.

    Raises:
        ValueError: if a network is a subclass that has changed what the wrapper depends on.
    """
    found: dict[nn.Module, type[SkipFusion]] = {}
    for module, topology in _registered(network):
        for block in topology.find_blocks(module):
            found.setdefault(block, topology.fusion)
    for module in network.modules():
        # The root is replaced nowhere, so it is no place for a wrapper.
        if module is not network and isinstance(module, fusion_block_types()):
            found.setdefault(module, SkipFusion)
    return found


def own_decoder_loops(network: nn.Module) -> dict[nn.Module, tuple[str, Callable[..., object]]]:
    """Return the networks within ``network`` whose method adds the skips, and its replacement.

    Raises:
        ValueError: if a subclass has overridden that method, since the replacement is MONAI's.
    """
    loops: dict[nn.Module, tuple[str, Callable[..., object]]] = {}
    for module, topology in _registered(network):
        if topology.loop is None:
            continue
        method, known = topology.loop.method, topology.network_type
        if getattr(type(module), method) is not getattr(known, method):
            raise ValueError(
                f"{type(module).__name__} overrides {known.__name__}.{method}, in which the skips "
                "are added, so that no place for a skip module is known. Fuse in a block called "
                "as (coarse, skip), and register its type with register_fusion_block."
            )
        loops[module] = method, partial(topology.loop.twin, module)
    return loops


def _registered(network: nn.Module) -> Iterator[tuple[nn.Module, Topology]]:
    for module in network.modules():
        for topology in _TOPOLOGIES:
            if isinstance(module, topology.network_type):
                yield module, topology
                break
