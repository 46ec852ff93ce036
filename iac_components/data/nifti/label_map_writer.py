"""Label maps written where their image lies: same number of axes, same place by every transform.

MONAI's writer drops trailing axes of one voxel (a slice comes back 2-D), and writes one affine
as both qform and sform, so that where an image's two disagree its label map lies elsewhere to
half of the viewers.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import SaveImaged, Transform
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from iac_components.common.files import atomic_path
from iac_components.data.case import PICTURE_SUFFIXES
from iac_components.data.formats.pictures import write_picture
from iac_components.data.nifti.nifti_reader import open_nifti

__all__ = ["SaveImageLikeInputd", "write_label_map"]

_PLACE = (
    "qform_code",
    "sform_code",
    "quatern_b",
    "quatern_c",
    "quatern_d",
    "qoffset_x",
    "qoffset_y",
    "qoffset_z",
    "srow_x",
    "srow_y",
    "srow_z",
    "xyzt_units",
)
"""Fields of a NIfTI header that say where voxels lie, beside its sizes and ``pixdim``."""


_ENDINGS = (".nii.gz", ".nii")


class SaveImageLikeInputd(SaveImaged):
    """Write label maps with the place, axes and units of their image's own header.

    As NIfTI files; the label map of a picture becomes a PNG file.

    The header is read from the image's file again, since transforms keep its affine alone. A file
    appears under its name once it is whole.

    MONAI Label and Deploy take savers out of a postprocessing: what is a ``SaveImaged``, and what
    has ``SaveImage`` in its name.

    Args:
        keys: label maps (1, *S) in their image's grid, with its file in ``filename_or_obj``.
        output_dir: folder of the files, made if absent.
        output_postfix: end of their names, after an underscore.
        output_ext: ``.nii.gz`` or ``.nii``.
        output_dtype: type of the voxels, or its name.
        separate_folder: write each into a folder of its own, named after the case.
        output_name_formatter: gives the names' parts; MONAI's by default.

    Raises:
        ValueError: if ``output_ext`` is none of NIfTI's; when called, if a label map is not in its
            image's grid, or holds a value that ``output_dtype`` does not.
        WriteError: when called, if a file cannot be written.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        output_dir: str | Path,
        output_postfix: str = "seg",
        output_ext: str = ".nii.gz",
        output_dtype: type[np.integer] | str = np.uint8,
        separate_folder: bool = False,
        output_name_formatter: Callable[[dict[str, object], Transform], dict[str, object]]
        | None = None,
    ) -> None:
        if output_ext not in _ENDINGS:
            raise ValueError(f"output_ext is {output_ext!r}, it must be {' or '.join(_ENDINGS)}.")
        super().__init__(
            keys,
            output_dir=output_dir,
            output_postfix=output_postfix,
            output_ext=output_ext,
            separate_folder=separate_folder,
            output_name_formatter=output_name_formatter,
        )
        self.output_dtype = np.dtype(output_dtype)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Write the item's label maps, and hand the item on."""
        for key in self.key_iterator(dict(data)):
            self._save(data[key], str(key))
        return dict(data)

    def _save(self, value: torch.Tensor, key: str) -> None:
        """Write what the item has under a key."""
        source, target = self._files(value, key)
        if value.shape[0] != 1:
            raise ValueError(f"'{key}' has shape {tuple(value.shape)}, not (1, *S).")
        voxels = value[0].detach().cpu().numpy()
        write_label_map(target, voxels, source=source, dtype=self.output_dtype)

    def _files(self, value: torch.Tensor, key: str) -> tuple[str, str]:
        """Return the file of the image, and that of its label map."""
        source = value.meta.get("filename_or_obj") if isinstance(value, MetaTensor) else ""
        if not isinstance(value, MetaTensor) or not source:
            raise ValueError(f"'{key}' does not know its image's file (filename_or_obj).")
        parts = self.saver.fname_formatter(value.meta, self.saver)
        target = str(self.saver.folder_layout.filename(**parts))
        if str(source).lower().endswith(PICTURE_SUFFIXES) and value.shape[3:] in ((), (1,)):
            target = target.removesuffix(".nii.gz") + ".png"
        return str(source), target


def write_label_map(
    path: str | Path,
    voxels: NDArray[np.generic],
    *,
    source: str | Path,
    dtype: np.dtype[np.generic],
) -> None:
    """Write a label map with the place of the file that it is of, atomically.

    Both transforms of the source with their codes, its units, its voxel size and its trailing
    axes of one voxel come back as they are. Its channels do not: a label map has none.

    Args:
        path: the file to write, NIfTI or ``.png``, which has no place and holds 8 bits.
        voxels: (*S), in the source's grid.
        source: the image.
        dtype: integer type of the voxels.

    Raises:
        ValueError: if the sizes differ, a value does not fit ``dtype``, or the source is not to be
            read.
        WriteError: if the file cannot be written.
    """
    origin = _read_header(source)
    shape = origin.get_data_shape()
    size, rest = shape[:3], shape[3:]
    if voxels.shape != size:
        raise ValueError(f"'{path}': {voxels.shape} voxels, but '{source}' has {size}.")
    stored = voxels.astype(dtype)
    if not np.array_equal(stored, voxels):
        raise ValueError(f"'{path}': {voxels.min():g} to {voxels.max():g} do not fit {dtype}.")
    if str(path).endswith(".png"):
        with atomic_path(path) as temporary:
            write_picture(str(temporary), stored)
        return
    header = _header_like(origin, size + rest if set(rest) <= {1} else size, dtype)
    image_class = (
        nibabel.Nifti2Image if isinstance(header, nibabel.Nifti2Header) else nibabel.Nifti1Image
    )
    # With the header's own affine given, nibabel leaves both transforms alone.
    image = image_class(
        stored.reshape(header.get_data_shape()), header.get_best_affine(), header=header
    )
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)


def _read_header(source: str | Path) -> nibabel.Nifti1Header:
    """Read an image's header, which was sound when the run began.

    Raises:
        ValueError: if it no longer is.
    """
    try:
        header = open_nifti(str(source)).header
    except (OSError, EOFError, ImageFileError, HeaderDataError, zlib.error) as error:
        raise ValueError(f"'{source}' cannot be read any more ({error}).") from error
    if not isinstance(header, nibabel.Nifti1Header):
        raise ValueError(f"'{source}' is not a NIfTI file, so its label map has no grid.")
    return header


def _header_like(
    header: nibabel.Nifti1Header, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> nibabel.Nifti1Header:
    """Return a fresh header with the place of another: no scaling, intent or extension of it."""
    second = isinstance(header, nibabel.Nifti2Header)
    made = nibabel.Nifti2Header() if second else nibabel.Nifti1Header()
    made.set_data_dtype(dtype)
    made.set_data_shape(shape)
    # pixdim[0] is the handedness of the qform.
    made["pixdim"][: len(shape) + 1] = header["pixdim"][: len(shape) + 1]
    for field in _PLACE:
        made[field] = header[field]
    return made
