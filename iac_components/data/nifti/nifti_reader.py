"""MONAI's reader of NIfTI files, for names of any spelling and headers as they stand.

Files of other formats are turned into NIfTI images first.
"""

from __future__ import annotations

from collections.abc import Sequence

import nibabel
from monai.config import PathLike
from monai.data import NibabelReader
from monai.utils import ensure_tuple
from nibabel.fileholders import FileHolder
from nibabel.openers import ImageOpener

from iac_components.data.formats.conversion import as_nifti, has_three_axes, is_other_format
from iac_components.data.nifti.mended_headers import mended_header_named
from iac_components.data.nifti.nifti_header import HEADER_BYTES, image_class

__all__ = ["NiftiReader", "open_nifti"]


class NiftiReader(NibabelReader):
    """Read images as the checks before a training do: NIfTI, and what becomes NIfTI in memory.

    Differs from MONAI's in four things. It reads pictures (PNG, JPEG, TIFF, BMP) and, where their
    packages are installed, MetaImage, NRRD and DICOM. An image of two axes is a volume of one
    slice. It opens ``a.Nii.gz`` and ``a.Nii``, for which nibabel looks
    for another file. And its affine is nibabel's: the sform if its code is set, else the qform;
    MONAI's would change to a qform whose code is 0, if the voxel sizes of the sform differ from the
    header's ``pixdim``, and place the result elsewhere than every viewer does.
    """

    def read(
        self, data: Sequence[PathLike] | PathLike, **kwargs: object
    ) -> nibabel.Nifti1Image | list[nibabel.Nifti1Image]:
        """Open one file, or several that hold a channel each.

        Args:
            data: the name or names.
            kwargs: of ``nibabel.load``, for files that are no single NIfTI file.
        """
        self.filenames: Sequence[PathLike] = ensure_tuple(data)
        images = [open_nifti(str(name), **{**self.kwargs, **kwargs}) for name in self.filenames]
        return images if len(images) > 1 else images[0]


def open_nifti(name: str, **options: object) -> nibabel.Nifti1Image:
    """Open a file, of which only the header is read for now; of other formats, all of it.

    An image of two axes becomes a volume of one slice.

    Args:
        name: its path.
        options: of ``nibabel.load``, for a file that is no single NIfTI file.
    """
    if is_other_format(name):
        return as_nifti(name)
    with ImageOpener(name) as stream:
        kind = image_class(stream.read(HEADER_BYTES))
    with mended_header_named(name):
        if kind is None:
            return nibabel.load(name, **options)
        return has_three_axes(kind.from_file_map({"image": FileHolder(filename=name)}))
