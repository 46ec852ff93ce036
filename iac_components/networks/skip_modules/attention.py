"""Additive attention gate in a skip connection (Attention U-Net, arXiv 1804.03999)."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.nets.attentionunet import AttentionBlock
from torch import Tensor, nn

from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.skip_modules.catalogue import register_skip_module
from iac_components.search_space.cells.feature_maps import resize_linearly

__all__ = ["AttentionGate"]


class AttentionGate(nn.Module):
    """Weight each position of the skip feature by attention from the coarser feature.

    MONAI's ``AttentionBlock`` with half of the skip's channels inside. Differs from the paper in
    that the gate is brought to the skip's size, not the skip to the gate's, as in MONAI's
    AttentionUnet.

    Args:
        connection: where the module goes; 2-D or 3-D.
    """

    def __init__(self, connection: SkipConnection) -> None:
        super().__init__()
        self.attention = AttentionBlock(
            spatial_dims=connection.spatial_dims,
            f_int=max(1, connection.skip_channels // 2),
            f_g=connection.gate_channels,
            f_l=connection.skip_channels,
        )

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return ``skip`` (B, C, *S) weighted by ``gate`` (B, G, *s)."""
        gate = resize_linearly(gate, skip)
        weighted: Tensor = self.attention(g=gate, x=skip)
        return weighted


@register_skip_module("attention")
def _attention(connections: Sequence[SkipConnection]) -> MakeSkipModule:
    return AttentionGate
