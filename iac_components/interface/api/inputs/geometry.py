"""Voxel size and size of images from their headers, before and after a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from iac_components.data import DatalistEntry
from iac_components.data.case import entry_files
from iac_components.data.nifti.nifti_reader import open_nifti
from iac_components.interface.api.inputs.recipe import PLANES

__all__ = ["Geometry", "count_channels", "read_geometry"]


@dataclass(frozen=True)
class Geometry:
    """All images of a data set, axes in the order of a plane.

    Attributes:
        spacing: (N, 3), voxel size in mm.
        size: (N, 3), voxels.
    """

    spacing: NDArray[np.float64]
    size: NDArray[np.float64]

    def pixdim(self, spatial_dims: int) -> tuple[float, float, float]:
        """Median voxel size to four digits; slices are not resampled across their plane."""
        first, second, third = (float(f"{size:.4g}") for size in np.median(self.spacing, axis=0))
        return first, second, third if spatial_dims == 3 else -1.0

    def extent(self, pixdim: Sequence[float], *, percentile: float, divisor: int) -> list[int]:
        """Voxels of the resampled images, rounded up to a size that a network can halve.

        Args:
            pixdim: voxel size in mm; axes of -1 keep theirs.
            percentile: of the images that hold so many voxels or fewer.
            divisor: every side is a multiple of it, and twice of it at least.
        """
        target = np.where(np.asarray(pixdim) > 0, np.asarray(pixdim), self.spacing)
        # Rounded before it is rounded up, so that 64.0000001 stays 64.
        sides = np.percentile(self.size * self.spacing / target, percentile, axis=0).round(3)
        return [round_up(math.ceil(side), divisor) for side in sides]


def round_up(size: int, divisor: int) -> int:
    """Return the next multiple at which a network's bottom level has more than one voxel."""
    return max(-(-size // divisor), 2) * divisor


def read_geometry(entries: Sequence[DatalistEntry], *, plane: str) -> Geometry:
    """Read the header of every image, which was checked before."""
    spacings, sizes = [], []
    for entry in entries:
        image = open_nifti(entry_files(entry, "image")[0])
        affine = np.asarray(image.affine, dtype=np.float64)
        # Where the axis lies that runs right, anterior, superior, as MONAI's Orientationd has it.
        found = np.argsort(nibabel.io_orientation(affine)[:, 0])
        order = found[list(PLANES[plane].axes)]
        spacings.append(np.linalg.norm(affine[:3, :3], axis=0)[order])
        sizes.append(np.array(image.shape[:3], dtype=np.float64)[order])
    return Geometry(np.stack(spacings), np.stack(sizes))


def count_channels(entry: DatalistEntry) -> int:
    """Return the channels of an image; 1 if it cannot be read, which the check of data reports."""
    files = entry_files(entry, "image")
    if len(files) != 1:
        return max(1, len(files))
    try:
        shape = open_nifti(files[0]).shape
    except (OSError, EOFError, ImageFileError, ValueError):
        return 1
    return int(shape[3]) if len(shape) == 4 else 1
