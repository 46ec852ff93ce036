"""The two placements of voxels that a NIfTI header can state, and their distance."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iac_components.data.checks.notices import Matter, Notice
from iac_components.data.nifti.nifti_header import NiftiHeader

__all__ = ["corner_distance", "notice_of_two_places"]

TOLERANCE = 0.1
"""mm, and voxels, up to which the two may differ by rounding (our choice)."""

_TWO_PLACES = Matter(
    "file(s) lie elsewhere by their qform than by their sform, which is used here",
    "Programs that use the qform show images and results in another place. Write both again from "
    "the one that is right.",
)

_TWO_SIZES = Matter(
    "file(s) state other voxel sizes (pixdim) than their sform, which is used here",
    "Programs that use pixdim show images and results in another size. Write both again from the "
    "one that is right.",
)


def corner_distance(
    first: NDArray[np.float64], other: NDArray[np.float64], shape: Sequence[int]
) -> float:
    """Return how far two affines place a volume's corners apart in mm; NaN if one is not finite."""
    if not (np.isfinite(first).all() and np.isfinite(other).all()):
        return float("nan")
    ends = [(0, max(size - 1, 1)) for size in (*shape, 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)], dtype=np.float64)
    return float(np.linalg.norm(corners @ (first - other).T, axis=1).max())


def notice_of_two_places(path: str, header: NiftiHeader) -> Notice | None:
    """Return a notice of a file whose sform is set and differs from its qform, or from pixdim.

    Args:
        path: the file.
        header: what it states.
    """
    qform, sform = header.qform, header.sform
    if sform is None or not np.isfinite(sform).all():
        return None
    sizes = np.linalg.norm(sform[:3, :3], axis=0)
    # A voxel of no size is another check's fault.
    tolerance = TOLERANCE * min(float(sizes.min()) or 1.0, 1.0)
    if qform is None:
        # A qform that is not set is no place, but its voxel sizes are read all the same.
        extents = np.maximum(np.array((*header.shape, 1, 1)[:3]) - 1, 1)
        if not (np.abs(header.spacing - sizes) * extents > tolerance).any():
            return None
        stated, used = (
            " x ".join(f"{size:.4g}" for size in values) for values in (header.spacing, sizes)
        )
        return Notice(_TWO_SIZES, path, f"{stated} mm instead of {used} mm")
    distance = corner_distance(sform, qform, header.shape)
    if np.isnan(distance):
        return Notice(_TWO_PLACES, path, "its qform is no rotation")
    if distance <= tolerance:
        return None
    return Notice(_TWO_PLACES, path, f"up to {distance:.3g} mm")
