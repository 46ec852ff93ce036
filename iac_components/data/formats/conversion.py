"""One way to read every format: what is no NIfTI file becomes a NIfTI image in memory.

All that reads, checks and writes volumes then needs to know NIfTI alone.
"""

from __future__ import annotations

import os

import nibabel
import numpy as np

from iac_components.data.case import IMAGE_SUFFIXES, NIFTI_SUFFIXES, PICTURE_SUFFIXES
from iac_components.data.formats.pictures import read_picture
from iac_components.data.formats.scanner_files import read_scanner_file

__all__ = ["as_nifti", "has_three_axes", "is_other_format"]

_OTHERS = tuple(suffix for suffix in IMAGE_SUFFIXES if suffix not in NIFTI_SUFFIXES)


def is_other_format(path: str) -> bool:
    """Tell whether a path is that of an image in another format than NIfTI, by its ending.

    A folder is a DICOM series.
    """
    return path.lower().endswith(_OTHERS) or (os.path.isdir(path) and _is_series(path))


def as_nifti(path: str) -> nibabel.Nifti1Image:
    """Read a picture, MetaImage, NRRD or DICOM file, or the folder of a DICOM series.

    Args:
        path: the file or folder.

    Raises:
        UnreadableVolumeError: if a package is missing, or the file is of a kind that is not read.
        Exception: whatever a damaged file makes the libraries raise.
    """
    if path.lower().endswith(PICTURE_SUFFIXES):
        return read_picture(path)
    return read_scanner_file(path)


def has_three_axes(image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """Return an image of two axes as a volume of one slice, any other as it is.

    Args:
        image: ``(X, Y)`` or more axes; the voxels of a plane are read, of a volume not.

    Returns:
        ``(X, Y, 1)`` with the same place; a slice without thickness becomes 1 mm thick.
    """
    if len(image.shape) != 2:
        return image
    affine = np.array(image.affine, dtype=np.float64)
    if not np.linalg.norm(affine[:3, 2]) > 0:
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = normal / (np.linalg.norm(normal) or 1.0)
    made = type(image)(np.asanyarray(image.dataobj)[..., np.newaxis], affine)
    made.header.set_xyzt_units(*image.header.get_xyzt_units())
    return made


def _is_series(folder: str) -> bool:
    """Tell whether a folder holds DICOM files, by the ending or the mark of its first file."""
    for name in sorted(os.listdir(folder)):
        file = os.path.join(folder, name)
        if name.startswith(".") or not os.path.isfile(file):
            continue
        if name.lower().endswith(".dcm"):
            return True
        with open(file, "rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    return False
