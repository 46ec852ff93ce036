"""Rotation of 3-D patches about the axes that their voxels allow."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["rotation_angles"]

LARGEST = 0.26
"""Radians: 15 degrees either way."""

COARSE = 3.0


def rotation_angles(pixdim: Sequence[float]) -> tuple[float, ...]:
    """Return the largest rotation about each axis of a 3-D patch, for MONAI's ``RandAffined``.

    About all axes, but about the coarsest alone where its voxels are more than 3 times as long as
    the next: a turn out of the fine plane would mix what lies far apart. nnU-Net's rule (Isensee et
    al., Nature Methods 18, 203-211, 2021), by voxel size, where it goes by the patch's shape.

    Args:
        pixdim: voxel size along the three axes, mm.

    Returns:
        Radians, an angle an axis.
    """
    coarsest = max(range(len(pixdim)), key=lambda axis: pixdim[axis])
    others = [size for axis, size in enumerate(pixdim) if axis != coarsest]
    if pixdim[coarsest] > COARSE * max(others):
        return tuple(LARGEST if axis == coarsest else 0.0 for axis in range(len(pixdim)))
    return (LARGEST,) * len(pixdim)
