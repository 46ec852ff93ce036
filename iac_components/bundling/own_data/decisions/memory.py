"""Memory that a backbone and its supernet keep in training for one image, measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import torch
from monai.bundle import ConfigParser
from monai.networks.nets import DynUNet
from torch import nn

from iac_components.bundling.rendering.facts import BackboneSource, Facts, load_backbone
from iac_components.networks import CellSearchNetwork, NnUNetPlan, kept_bytes

__all__ = ["GIGABYTE", "bytes_an_image", "bytes_of_nnunet_3d"]

GIGABYTE = 1e9


def bytes_an_image(
    backbone: BackboneSource,
    patch: Sequence[int],
    *,
    spacing: Sequence[float],
    channels: int,
    classes: int,
    searched: bool,
) -> int:
    """Bytes that training keeps for the backward pass of one patch, in float32.

    Measured on PyTorch's meta device. Weights, their gradients, the optimizer's state and temporary
    buffers come on top; mixed precision needs about half.

    Args:
        backbone: the network.
        patch: ``(X, Y)``, or ``(X, Y, Z)`` for a network of volumes.
        spacing: voxel size in mm, which nnU-Net's plan looks at.
        channels: of an image.
        classes: outputs, background included.
        searched: measure the supernet of the search around the frozen backbone.
    """
    return _measured(
        backbone.name, tuple(patch), tuple(spacing), channels, classes, searched=searched
    )


@lru_cache(maxsize=64)
def _measured(
    name: str,
    patch: tuple[int, ...],
    spacing: tuple[float, ...],
    channels: int,
    classes: int,
    *,
    searched: bool,
) -> int:
    with torch.random.fork_rng(devices=[]):
        # Not built there: Swin UNETR reads numbers off tensors.
        network = _build(load_backbone(name), patch, spacing, channels, classes).to("meta")
        if searched:
            with torch.device("meta"):
                network = CellSearchNetwork(network, frozen_backbone=True)
    return kept_bytes(network.train(), (1, channels, *patch))


def _build(
    backbone: BackboneSource,
    patch: Sequence[int],
    spacing: Sequence[float],
    channels: int,
    classes: int,
) -> nn.Module:
    """Build a backbone as its bundles' configs do."""
    parser = ConfigParser(
        {
            "bundle_code": None,
            "in_channels": channels,
            "out_channels": classes,
            "patch_size": list(patch),
            "pixdim": [*spacing, -1.0][:3],
            **cast(Facts, backbone.config["definition"]),
        }
    )
    parser.parse()
    return cast(nn.Module, parser.get_parsed_content("backbone_def"))


def bytes_of_nnunet_3d(
    plan: NnUNetPlan, patch: Sequence[int], *, channels: int, classes: int
) -> int:
    """Bytes that nnU-Net's 3-D U-Net keeps for one patch, as :func:`bytes_an_image` counts them."""
    with torch.device("meta"):
        network = DynUNet(
            spatial_dims=3,
            in_channels=channels,
            out_channels=classes,
            kernel_size=plan.kernel_size,
            strides=plan.strides,
            upsample_kernel_size=plan.upsample_kernel_size,
            filters=plan.filters,
            norm_name=("INSTANCE", {"affine": True}),
        )
    return kept_bytes(network.train(), (1, channels, *patch))
