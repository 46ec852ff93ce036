"""Reading one NIfTI file once, whole, with every reason why that can fail told apart."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from iac_components.data.faults import Fault

__all__ = ["Volume", "read_volume"]

_MAGICS: tuple[tuple[slice, bytes, type[nibabel.Nifti1Image]], ...] = (
    (slice(344, 348), b"n+1\0", nibabel.Nifti1Image),
    (slice(4, 8), b"n+2\0", nibabel.Nifti2Image),
)

_UNREADABLE = (OSError, EOFError, ValueError, ImageFileError, HeaderDataError, zlib.error)


@dataclass(frozen=True)
class Volume:
    """A NIfTI file's content.

    Attributes:
        path: the file.
        data: its voxels, (X, Y, Z) or (X, Y, Z, C), with the file's scaling applied.
        affine: (4, 4), voxel indices to millimetres.
        stored_spacing: the header's own voxel size in mm, before nibabel mends a zero.
    """

    path: str
    data: NDArray[np.generic]
    affine: NDArray[np.float64]
    stored_spacing: NDArray[np.float64]

    @cached_property
    def has_nonfinite(self) -> bool:
        """Whether a voxel is NaN or infinite."""
        return self.data.dtype.kind == "f" and not bool(np.isfinite(self.data).all())


def read_volume(path: str) -> Volume | Fault:
    """Read header and voxels of a NIfTI file; what cannot be read comes back as a fault.

    The whole file is decompressed, to its checksum: nibabel alone stops at the last voxel, and
    takes a compressed file with damaged bytes for a sound one.
    """
    obstacle = _obstacle(path)
    if obstacle is not None:
        return Fault(path, *obstacle)
    again = "Download or convert this file again"
    try:
        content = Path(path).read_bytes()
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        image_class = _image_class(content)
        if image_class is None:
            return Fault(path, "is not a NIfTI file (wrong magic)", f"{again} as .nii.gz.")
        image = image_class.from_bytes(content)
        data = np.asanyarray(image.dataobj)
        header = image_class.header_class.from_fileobj(io.BytesIO(content), check=False)
    except _UNREADABLE as error:
        reason = str(error) or type(error).__name__
        return Fault(path, f"cannot be read to its end ({reason})", f"{again}; it is damaged.")
    if data.dtype.kind not in "iuf":
        return Fault(path, f"holds {data.dtype} voxels", f"{again} with one number a voxel.")
    return Volume(
        path=path,
        data=data,
        affine=np.asarray(image.affine, dtype=np.float64),
        stored_spacing=np.asarray(header["pixdim"][1:4], dtype=np.float64),
    )


def _image_class(content: bytes) -> type[nibabel.Nifti1Image] | None:
    """Return the class for a single-file NIfTI of version 1 or 2, by its magic."""
    return next((kind for place, magic, kind in _MAGICS if content[place] == magic), None)


def _obstacle(path: str) -> tuple[str, str] | None:
    """Return why a path cannot be a file to read, and the remedy."""
    if os.path.isdir(path):
        return "is a folder, not a file", "Name the NIfTI file itself."
    # Unlike Path.exists, this takes names that are too long without an error.
    if not os.path.exists(path):
        return "does not exist", "Correct the path, or download the file."
    if os.path.getsize(path) == 0:
        return "is empty (0 bytes)", "Download this file again."
    return None
