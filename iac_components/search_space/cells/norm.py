"""The norm of cells and their operations."""

from __future__ import annotations

from torch import nn

__all__ = ["MIN_GROUP", "make_norm"]

MIN_GROUP = 4
"""Channels a norm group must have, so that a 1-voxel feature still has a spread to norm."""


def make_norm(channels: int, affine: bool) -> nn.Module:
    """GroupNorm of at most 8 groups, each of at least 4 channels where there are that many."""
    groups = next(
        g for g in (8, 4, 2, 1) if (channels % g == 0 and channels // g >= MIN_GROUP) or g == 1
    )
    return nn.GroupNorm(groups, channels, affine=affine)
