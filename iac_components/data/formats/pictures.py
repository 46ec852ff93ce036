"""PNG, JPEG, TIFF and BMP as volumes of one slice, read by Pillow."""

from __future__ import annotations

from collections.abc import Collection

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence, UnidentifiedImageError

from iac_components.data.faults import UnreadableVolumeError

__all__ = ["WHITE", "is_white_mask", "read_picture", "write_picture"]

WHITE = 255
"""Value of the foreground in masks that are kept as pictures."""

_WITH_ALPHA = {"LA": "L", "La": "L", "RGBA": "RGB", "RGBa": "RGB", "PA": "P"}


def is_white_mask(values: Collection[int]) -> bool:
    """Tell whether label values are those of a mask that is kept as a picture: 0 and 255."""
    return WHITE in values and set(values) <= {0, WHITE}


def read_picture(path: str) -> nibabel.Nifti1Image:
    """Read a picture.

    Axes run as on a screen: the first to the right, the second down. Pictures state no voxel size
    that could be relied on, so that a pixel counts as 1 mm. The pages of a TIFF are slices. A
    palette's numbers are taken as they are, since label maps are kept so.

    Args:
        path: the file.

    Returns:
        ``(X, Y, pages)``, or ``(X, Y, pages, C)`` in colour.

    Raises:
        UnreadableVolumeError: if Pillow does not know its kind, or parts of it are transparent.
        OSError: if it is damaged.
    """
    try:
        with Image.open(path) as picture:
            pages = [_voxels(page) for page in ImageSequence.Iterator(picture)]
    except UnidentifiedImageError as error:
        raise UnreadableVolumeError(
            "is no picture that Pillow reads",
            "Save it as PNG with 8 bits a channel, or convert it to .nii.gz.",
        ) from error
    if len({page.shape for page in pages}) > 1:
        raise UnreadableVolumeError(
            "has pages of several sizes", "Save every page as a file of its own."
        )
    stacked = np.stack(pages, axis=2)
    voxels = stacked.astype(np.uint8) if stacked.dtype == np.bool_ else stacked
    return nibabel.Nifti1Image(voxels, np.eye(4), dtype=voxels.dtype)


def write_picture(path: str, voxels: NDArray[np.generic]) -> None:
    """Write a label map as a picture of 8 bits.

    Args:
        path: a file name that ends with the format's suffix.
        voxels: ``(X, Y)`` or ``(X, Y, 1)``, 0 to 255.
    """
    plane = np.asarray(voxels, dtype=np.uint8).reshape(voxels.shape[:2])
    Image.fromarray(np.ascontiguousarray(plane.T)).save(path)


def _voxels(page: Image.Image) -> NDArray[np.generic]:
    """Return a page's pixels (X, Y) or (X, Y, C)."""
    if page.mode in _WITH_ALPHA:
        alpha = np.asarray(page.getchannel("A" if "A" in page.mode else "a"))
        if alpha.min() < 255:
            raise UnreadableVolumeError(
                "is transparent in part, and what lies behind it is not known",
                "Save it without an alpha channel.",
            )
        page = page.convert(_WITH_ALPHA[page.mode])
    elif page.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        page = page.convert("RGB")
    pixels = np.asarray(page)
    return np.asarray(np.swapaxes(pixels, 0, 1))
