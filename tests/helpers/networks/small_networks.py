"""A small backbone, an image for it, and cells that let something through."""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import (
    skip_modules,
)

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


def backbone(seed=0, dims=2, features=(8,) * 6):
    torch.manual_seed(seed)
    return BasicUNet(dims, 1, 2, features).eval()


def image(dims=2, seed=1):
    size = {2: (32, 32), 3: (32, 16, 16)}[dims]
    return torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def opened(network):
    """Let every cell through to the output."""
    torch.manual_seed(5)
    for cell in skip_modules(network):
        cell.scale.normal_()
    return network
