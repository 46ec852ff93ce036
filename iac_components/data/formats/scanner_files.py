"""MetaImage, NRRD and DICOM files, by the readers that MONAI has for them."""

from __future__ import annotations

import importlib.util
import os

import nibabel
import numpy as np
from monai.data import ITKReader, NrrdReader, PydicomReader
from monai.data.image_reader import ImageReader
from monai.utils import MetaKeys

from iac_components.data.faults import UnreadableVolumeError

__all__ = ["read_scanner_file"]

_PACKAGES: dict[str, tuple[str, ...]] = {
    "MetaImage": ("itk",),
    "NRRD": ("nrrd", "itk"),
    "DICOM": ("pydicom", "itk"),
}
"""Packages that read a format, by the names under which they are imported, the smallest first."""

_INSTALLED_AS = {"nrrd": "pynrrd"}

_READERS: dict[str, type[ImageReader]] = {
    "itk": ITKReader,
    "nrrd": NrrdReader,
    "pydicom": PydicomReader,
}


def read_scanner_file(path: str) -> nibabel.Nifti1Image:
    """Read a MetaImage, NRRD or DICOM file, or the folder of a DICOM series.

    Args:
        path: the file or folder.

    Returns:
        ``(X, Y, Z)`` or ``(X, Y, Z, C)`` with its place in RAS, as NIfTI has it.

    Raises:
        UnreadableVolumeError: if no package that reads it is installed.
        Exception: whatever a damaged file makes the libraries raise.
    """
    kind = _kind(path)
    packages = _PACKAGES[kind]
    package = next((name for name in packages if importlib.util.find_spec(name)), None)
    if package is None:
        name = _INSTALLED_AS.get(packages[0], packages[0])
        raise UnreadableVolumeError(
            f"is {kind}, which needs the package '{name}'",
            f"Install it (python -m pip install {name}), or convert the file to .nii.gz.",
        )
    # NIfTI's affine; ITK and DICOM count left and posterior as positive.
    reader = _READERS[package](affine_lps_to_ras=True)
    voxels, meta = reader.get_data(reader.read(path))
    voxels = np.asarray(voxels)
    channel = meta.get(MetaKeys.ORIGINAL_CHANNEL_DIM, float("nan"))
    if not np.isnan(float(channel)):
        voxels = np.moveaxis(voxels, int(channel), -1)
    spatial = len(meta[MetaKeys.SPATIAL_SHAPE])
    if spatial == 2:
        voxels = np.expand_dims(voxels, 2)
    affine = np.asarray(meta[MetaKeys.AFFINE], dtype=np.float64)
    return nibabel.Nifti1Image(voxels, _three_axes(affine), dtype=voxels.dtype)


def _kind(path: str) -> str:
    name = path.lower()
    if name.endswith((".mha", ".mhd")):
        return "MetaImage"
    return "NRRD" if name.endswith((".nrrd", ".nhdr")) and not os.path.isdir(path) else "DICOM"


def _three_axes(affine: np.ndarray) -> np.ndarray:
    """Return an affine of two axes as one of three, a slice 1 mm thick."""
    if affine.shape == (4, 4):
        return affine
    made = np.eye(4)
    made[:2, :2], made[:2, 3] = affine[:2, :2], affine[:2, 2]
    return made
