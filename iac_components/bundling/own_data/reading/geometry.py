"""Voxel size, size and orientation of every image, from the headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from iac_components.data.case import Case
from iac_components.data.faults import Fault, UnreadableVolumeError, raise_faults
from iac_components.data.nifti.nifti_reader import open_nifti

__all__ = ["Geometry", "array_axes", "read_geometry"]

STATING = "modality or channel_names"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """All images of a data set, axes in the order right, anterior, superior (RAS).

    Attributes:
        spacing: (N, 3), voxel size in mm.
        size: (N, 3), voxels.
        num_channels: channels of every image.
    """

    spacing: Array
    size: Array
    num_channels: int


def array_axes(affine: Array) -> list[int] | None:
    """Return the array axes that run right, anterior and superior (or against it).

    As MONAI's ``Orientationd`` has it, oblique volumes by their nearest axes.

    Returns:
        Three axes, or None if the affine is singular, NaN or infinite.
    """
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        return None
    orientation = nibabel.io_orientation(affine)[:, 0]
    return None if np.isnan(orientation).any() else [int(i) for i in np.argsort(orientation)]


def read_geometry(cases: Sequence[Case], *, channel_names: Sequence[str] | None) -> Geometry:
    """Read the header of every image.

    Args:
        cases: at least one.
        channel_names: channels that ``dataset.json`` states; by default as many as the first image.

    Raises:
        DatasetError: naming every image that cannot be read, has no valid affine, or another
            number of channels than stated (or than the first image).
    """
    faults: list[Fault] = []
    found: list[tuple[Array, Array]] = []
    expected = None if channel_names is None else len(channel_names)
    for case in cases:
        files = (case.image,) if isinstance(case.image, Path) else case.image
        path = files[0]
        header = _header(path)
        if isinstance(header, Fault):
            faults.append(header)
            continue
        shape, affine, axes = header
        channels = shape[3] if len(shape) == 4 else len(files)
        expected = channels if expected is None else expected
        if channels != expected:
            stated = f"{STATING} name {expected}" if channel_names else f"others have {expected}"
            problem = f"has {channels} channel(s) (shape {shape}), but {stated}"
            remedy = (
                "Correct dataset.json, or this image."
                if channel_names
                else "Save all images with the same channels."
            )
            faults.append(Fault(str(path), problem, remedy))
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        found.append((spacing[axes], np.array(shape, dtype=np.float64)[axes]))
    raise_faults(faults, subject=f"Headers of {len(cases)} image(s)")
    spacings, sizes = (np.stack(values) for values in zip(*found, strict=True))
    return Geometry(spacings, sizes, expected or 1)


def _header(path: Path) -> tuple[tuple[int, ...], Array, list[int]] | Fault:
    """Shape, affine and axes of an image, or why it has none."""
    try:
        image = open_nifti(str(path))
        shape, affine = tuple(image.shape), np.asarray(image.affine, dtype=np.float64)
    except UnreadableVolumeError as error:
        return Fault(str(path), error.problem, error.remedy)
    except Exception as error:
        # A damaged header raises whatever it comes upon.
        again = "Download or convert this file again; it is damaged."
        return Fault(str(path), f"cannot be read ({error or type(error).__name__})", again)
    axes = array_axes(affine)
    if len(shape) not in (3, 4):
        remedy = "Save it as a volume, several channels as its fourth axis."
        return Fault(str(path), f"is {len(shape)}-D (shape {shape}), expected 3-D or 4-D", remedy)
    if axes is None:
        remedy = "Write the header again with the scanner's voxel size and orientation."
        return Fault(str(path), "has a singular, NaN or infinite affine", remedy)
    return shape, affine, axes
