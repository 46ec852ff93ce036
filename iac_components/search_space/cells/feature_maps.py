"""Feature maps within a cell: their size, and their norm."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

__all__ = ["MIN_GROUP", "make_norm", "resize_linearly"]


def resize_linearly(feature: Tensor, like: Tensor) -> Tensor:
    """Resize (B, C, *s) to the spatial sizes of ``like``, 2-D or 3-D.

    A tensor, since TorchScript knows its sizes as a list, and Python as a tuple.
    """
    mode = "bilinear" if feature.ndim == 4 else "trilinear"
    return interpolate(feature, size=like.shape[2:], mode=mode, align_corners=False)


MIN_GROUP = 4
"""Channels a norm group must have, so that a 1-voxel feature still has a spread to norm."""


def make_norm(channels: int, affine: bool) -> nn.Module:
    """GroupNorm of at most 8 groups, each of at least 4 channels where there are that many."""
    groups = next(
        g for g in (8, 4, 2, 1) if (channels % g == 0 and channels // g >= MIN_GROUP) or g == 1
    )
    return nn.GroupNorm(groups, channels, affine=affine)
