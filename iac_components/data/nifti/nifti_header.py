"""Header of a NIfTI file, checked before any memory is allocated for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import nibabel
import numpy as np
from nibabel.nifti1 import xform_codes
from numpy.typing import NDArray

from iac_components.data.faults import UnreadableVolumeError

__all__ = ["HEADER_BYTES", "NiftiHeader", "UnreadableVolumeError", "image_class", "parse_header"]

HEADER_BYTES = 540
"""Size of the larger of the two headers."""

_MAGICS: tuple[tuple[slice, bytes, type[nibabel.Nifti1Image]], ...] = (
    (slice(344, 348), b"n+1\0", nibabel.Nifti1Image),
    (slice(4, 8), b"n+2\0", nibabel.Nifti2Image),
)

_UNITS = {1: "metre", 2: "mm", 3: "micron"}

AGAIN = "Download or convert this file again"


@dataclass(frozen=True)
class NiftiHeader:
    """The part of a header that says which bytes are voxels, and where these lie.

    Attributes:
        image_class: nibabel's class of the file.
        shape: sizes of all axes, each at least 1.
        dtype: of the voxels as they are stored.
        offset: position of the first voxel in the file.
        is_scaled: whether the voxels are to be multiplied by a slope.
        spacing: (3,), voxel size as stored, before nibabel mends a zero.
        unit: ``mm``, ``metre`` or ``micron`` as stated; ``unknown`` if nothing is.
        qform: (4, 4) if its code is set, NaN where it cannot be computed.
        sform: (4, 4) if its code is set.
    """

    image_class: type[nibabel.Nifti1Image]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int
    is_scaled: bool
    spacing: NDArray[np.float64]
    unit: str
    qform: NDArray[np.float64] | None
    sform: NDArray[np.float64] | None

    @property
    def num_voxels(self) -> int:
        """Number of voxels, of any size: Python's integers do not overflow."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Position behind the last voxel in the file."""
        return self.offset + self.num_voxels * self.dtype.itemsize

    @property
    def memory(self) -> int:
        """Bytes of memory that reading takes: the file, its voxels, and these scaled."""
        return self.end + self.num_voxels * (self.dtype.itemsize + 8 * self.is_scaled)


def image_class(head: bytes) -> type[nibabel.Nifti1Image] | None:
    """Return the class for a single-file NIfTI of version 1 or 2, by its magic."""
    return next((kind for place, magic, kind in _MAGICS if head[place] == magic), None)


def parse_header(head: bytes) -> NiftiHeader:
    """Read the first bytes of an uncompressed file.

    Raises:
        UnreadableVolumeError: if no volume can follow.
    """
    kind = image_class(head)
    if kind is None:
        raise UnreadableVolumeError(
            "is not a NIfTI file (wrong magic)", f"{AGAIN}, to a single .nii.gz file."
        )
    header_class = kind.header_class
    size = header_class.template_dtype.itemsize
    if len(head) < size:
        raise UnreadableVolumeError(
            "cannot be read to its end (its header is cut off)", f"{AGAIN}; it is damaged."
        )
    # Neither checked nor with extensions, which nibabel would look for at any vox_offset.
    header = header_class(head[:size], check=False)
    fields = header.structarr
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    return NiftiHeader(
        image_class=kind,
        shape=_shape(fields["dim"].tolist()),
        dtype=_dtype(header),
        offset=_offset(float(fields["vox_offset"]), int(header_class.single_vox_offset)),
        is_scaled=slope not in (0.0, 1.0) or intercept != 0.0,
        spacing=np.asarray(fields["pixdim"][1:4], dtype=np.float64),
        unit=_UNITS.get(int(fields["xyzt_units"]) % 8, "unknown"),
        qform=_qform(header) if _is_set(header, "qform_code") else None,
        sform=header.get_sform() if _is_set(header, "sform_code") else None,
    )


def _shape(dim: list[int]) -> tuple[int, ...]:
    """Return the sizes in the field ``dim``: the number of axes, and the size of each."""
    if not 1 <= dim[0] <= 7:
        raise UnreadableVolumeError(
            f"has a header of {dim[0]} axes (field dim)", f"{AGAIN}; it is damaged."
        )
    shape = tuple(dim[1 : dim[0] + 1])
    if min(shape) < 1:
        raise UnreadableVolumeError(
            f"has an axis without voxels (size {shape} in its header)",
            f"{AGAIN}; it is empty or damaged.",
        )
    return shape


def _dtype(header: nibabel.Nifti1Header) -> np.dtype[np.generic]:
    """Return the type of the voxels, one real number each."""
    code = int(header.structarr["datatype"])
    try:
        dtype: np.dtype[np.generic] = header.get_data_dtype()
    except (KeyError, nibabel.spatialimages.HeaderDataError):
        dtype = np.dtype("V")
    if dtype.kind not in "iuf":
        name = "voxels of no known type" if dtype == np.dtype("V") else f"{dtype} voxels"
        raise UnreadableVolumeError(
            f"holds {name} (datatype {code} in its header)", f"{AGAIN} with one number a voxel."
        )
    return dtype


def _offset(stated: float, least: int) -> int:
    """Return where voxels begin."""
    # Not "stated < least", which NaN would pass; nibabel would read 0 as voxels in the header.
    if not least <= stated < math.inf:
        raise UnreadableVolumeError(
            f"has voxels from byte {stated:g} on (vox_offset in its header), expected {least} or "
            "more",
            f"{AGAIN}; its header is damaged.",
        )
    return int(stated)


def _is_set(header: nibabel.Nifti1Header, field: str) -> bool:
    """Return whether a transform is set.

    nibabel takes a code of no meaning for 0, and so another place than the header may mean.
    """
    code = int(header.structarr[field])
    if code not in xform_codes.value_set():
        raise UnreadableVolumeError(
            f"lies nowhere known ({field} {code} in its header, expected 0 to 5)",
            f"{AGAIN}; its header is damaged.",
        )
    return code > 0


def _qform(header: nibabel.Nifti1Header) -> NDArray[np.float64]:
    """Return the affine of the qform, NaN if its quaternion is no rotation."""
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)
    except (ValueError, nibabel.spatialimages.HeaderDataError):
        return np.full((4, 4), np.nan)
