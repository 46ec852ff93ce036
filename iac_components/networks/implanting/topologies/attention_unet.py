"""MONAI's AttentionUnet: the skip reaches a level's decoder through its attention block alone."""

from __future__ import annotations

from monai.networks.nets import AttentionUnet
from monai.networks.nets.attentionunet import AttentionBlock
from torch import Tensor, nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.topologies.catalogue import Topology, register_topology

__all__ = ["AttentionFusion"]


class AttentionFusion(SkipFusion):
    """An attention block that weights a refined skip feature.

    ::

        gate g (B, C, *S) -------+--------------> attention -> (B, C, *S)
                                 v                    ^
        skip x (B, C, *S) ---> skip_module -----------+

    The gate is the coarser levels' feature, which AttentionUnet has upsampled before.
    """

    # A fusion is called as its block is, and this block by these names.
    def forward(self, g: Tensor, x: Tensor) -> Tensor:  # type: ignore[override]
        """Weight the refined ``x`` (B, C, *S) by ``g`` (B, C, *S)."""
        output: Tensor = self.block(g=g, x=self.refine(x, g))
        return output


def _find_blocks(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, AttentionBlock)]


# Only within an AttentionUnet: elsewhere it may weight a skip that a known block fuses later.
register_topology(Topology(AttentionUnet, AttentionFusion, _find_blocks))
