"""MONAI's UNet: every level holds the next one and concatenates its own feature to the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from monai.networks.layers.simplelayers import SkipConnection as EnclosingBlock
from monai.networks.nets import UNet
from torch import Tensor, nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.topologies.catalogue import Topology, register_topology

__all__ = ["RecursiveFusion"]

_JOIN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"add": torch.add, "mul": torch.mul}


class RecursiveFusion(SkipFusion):
    """MONAI's ``SkipConnection`` around all coarser levels, with a skip module.

    ::

        x (B, C, *S) --+--> submodule --> gate (B, G, *S) --+--> cat, add or mul
                       |                   v                |
                       +----------> skip_module ------------+

    The gate is the coarser levels' output, which already has the skip's size.
    """

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Join ``x`` of shape ``(B, C, *S)``, refined, with the coarser levels' output."""
        gate = self.enter(self.block.get_submodule("submodule")(x))
        refined = self.refine(x, gate)
        mode = str(self.block.mode)
        if mode == "cat":
            return self.leave(torch.cat((refined, gate), dim=cast(int, self.block.dim)), gate)
        return self.leave(_JOIN[mode](refined, gate), gate)


def _find_blocks(network: nn.Module) -> list[nn.Module]:
    blocks = [module for module in network.modules() if isinstance(module, EnclosingBlock)]
    for block in blocks:
        if type(block).forward is not EnclosingBlock.forward:
            raise ValueError(
                f"{type(network).__name__} holds a {type(block).__name__}, which overrides the "
                "forward of MONAI's SkipConnection, so that no place for a skip module is known. "
                "Fuse in a block called as (coarse, skip), and register its type with "
                "register_fusion_block."
            )
    return blocks


# Only within a UNet: elsewhere a SkipConnection may be the shortcut of a residual unit.
register_topology(Topology(UNet, RecursiveFusion, _find_blocks))
