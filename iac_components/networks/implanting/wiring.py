"""Insertion of skip fusions into a network, and their removal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.topologies import own_decoder_loops

__all__ = ["wire", "wired"]


def wire(network: nn.Module, fusions: Mapping[nn.Module, SkipFusion]) -> None:
    """Put each fusion in the place of its block, and let decoder loops call the fusions.

    Args:
        network: the network that holds the blocks.
        fusions: the fusion of each block.

    Raises:
        ValueError: if a subclass has overridden a decoder loop; nothing is changed then.
    """
    loops = own_decoder_loops(network)
    _replace(network, fusions)
    for module, (method, twin) in loops.items():
        # On the instance, where it is found before the class's method: the network keeps its type.
        vars(module)[method] = twin


@contextmanager
def wired(network: nn.Module, fusions: Mapping[nn.Module, SkipFusion]) -> Iterator[None]:
    """Insert the fusions into the network for the block, and remove them after."""
    wire(network, fusions)
    try:
        yield
    finally:
        for module, (method, _) in own_decoder_loops(network).items():
            del vars(module)[method]
        _replace(network, {fusion: block for block, fusion in fusions.items()})


def _replace(network: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> None:
    # A block may be held under several names (DynUNet), so the paths are listed with repeats.
    modules = network.named_modules(remove_duplicate=False)
    paths = [(path, replacements[module]) for path, module in modules if module in replacements]
    # Innermost first, since a block that holds others (UNet) has longer paths once it is wrapped.
    for path, replacement in reversed(paths):
        network.set_submodule(path, replacement)
