"""Residual path in a skip connection (MultiResUNet, arXiv 1902.04049)."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Norm
from torch import Tensor, nn

from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.skip_modules.catalogue import register_skip_module

__all__ = ["ResidualPath"]

LONGEST = 4
"""Blocks at the finest level; one fewer at each coarser level, as in the paper, but never none."""


class ResidualPath(nn.Module):
    """Chain of 3x3 convolutions, each with a parallel 1x1 convolution.

    ::

        x --+-- conv 3 -- norm --+-- ReLU -- norm --> (repeated)
            +-- conv 1 -- norm --+

    It narrows the gap in meaning between an early encoder feature and the decoder's; the finer
    the level, the wider the gap and the longer the path. The coarser feature is not looked at.
    Differs from the authors' code in that the 3x3 convolution has no activation of its own before
    the sum.

    Args:
        connection: where the module goes; 2-D or 3-D.
    """

    def __init__(self, connection: SkipConnection) -> None:
        super().__init__()
        length = max(1, LONGEST - connection.level)
        self.blocks = nn.ModuleList(_ResidualBlock(connection) for _ in range(length))

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return the refined ``skip`` (B, C, *S); ``gate`` (B, G, *s) is not used."""
        for block in self.blocks:
            skip = block(skip)
        return skip


class _ResidualBlock(nn.Module):
    def __init__(self, connection: SkipConnection) -> None:
        super().__init__()
        dims, channels = connection.spatial_dims, connection.skip_channels
        self.wide = Convolution(
            dims, channels, channels, kernel_size=3, norm="BATCH", act=None, bias=False
        )
        self.narrow = Convolution(
            dims, channels, channels, kernel_size=1, norm="BATCH", act=None, bias=False
        )
        self.activation = nn.ReLU()
        self.norm = Norm[Norm.BATCH, dims](channels)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.activation(self.wide(x) + self.narrow(x)))
        return result


@register_skip_module("residual_path")
def _residual_path(connections: Sequence[SkipConnection]) -> MakeSkipModule:
    return ResidualPath
