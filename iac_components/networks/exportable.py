"""Replacement of the one MONAI encoder part that ``torch.export`` cannot pass."""

from __future__ import annotations

from functools import partial

from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import Tensor, nn
from torch.nn.functional import pad

__all__ = ["ZeroPadShortcut", "make_exportable"]


class ZeroPadShortcut(nn.Module):
    """Shortcut of option A of He et al. (arXiv 1512.03385): stride, then zero channels.

    It takes the place of ``ResNet._downsample_basic_block``, whose ``out.data`` leaves a constant
    in the exported graph (an error in torch 2.13). No gradient passes here, as there: an
    implanted network is to train exactly as the plain one does.

    Args:
        channels: channels of the output; the input's plus as many zero ones as needed.
        stride: step along every spatial axis.
    """

    def __init__(self, *, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, *S)`` to ``(B, channels, *ceil(S / stride))``."""
        spatial_dims = x.ndim - 2
        steps = (slice(None), slice(None), *[slice(None, None, self.stride)] * spatial_dims)
        return pad(x.detach()[steps], [0, 0] * spatial_dims + [0, self.channels - x.shape[1]])


def make_exportable(network: nn.Module) -> nn.Module:
    """Replace, in place, what stands in the way of ``torch.export``; nothing else changes.

    Outputs, gradients and state-dict keys stay as they are. Concerned are MONAI's ResNets with
    parameter-free shortcuts: ``resnet18`` and ``resnet34``, also inside FlexibleUNet.

    Args:
        network: any network.

    Returns:
        The same network.
    """
    for block in network.modules():
        if isinstance(block, (ResNetBlock, ResNetBottleneck)) and isinstance(
            block.downsample, partial
        ):
            options = block.downsample.keywords
            block.downsample = ZeroPadShortcut(channels=options["planes"], stride=options["stride"])
    return network
