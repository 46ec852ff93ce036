"""Slices with foreground of NIfTI volumes, for an overlay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

__all__ = ["Slice", "read_slices"]

ISOTROPIC = 1.2  # spacings within this factor of each other count as equal
LARGE_SLICE = 0.5  # of the foreground of the fullest slice
MARGIN = 0.6  # kept around the foreground on each side, as a share of its size
SAME_AFFINE = 0.1  # millimetres; headers are rounded


@dataclass(frozen=True, eq=False)
class Slice:
    """One cropped slice, ready for ``imshow(..., origin="lower")``: rows go up, columns right.

    Attributes:
        image: (H, W) grey values.
        prediction: (H, W) class indices.
        label: (H, W) class indices, None without a reference.
        aspect: height of a pixel over its width.
        name: the plane and number of the slice, for a title; counted from the patient's right,
            back or feet.
    """

    image: NDArray[np.float64]
    prediction: NDArray[np.int64]
    label: NDArray[np.int64] | None
    aspect: float
    name: str


def read_slices(
    image_path: str | Path,
    prediction_path: str | Path,
    *,
    label_path: str | Path | None = None,
    count: int = 4,
) -> list[Slice]:
    """Read a case and return the slices with most foreground.

    Slices are cut across the axis of the largest spacing, or the last axis if all are alike.
    Those with at least half the foreground of the fullest one are split into ``count`` runs, and
    the fullest of each run is taken, so that the slices are not all neighbours. The foreground is
    the label's, or the prediction's where there is none. All slices are cropped alike, to the
    foreground and a margin.

    Args:
        image_path: 2-D or 3-D NIfTI file; of a 4-D file the first channel is shown.
        prediction_path: class indices on the image's grid.
        label_path: class indices of the reference on the image's grid.
        count: largest number of slices.

    Raises:
        ValueError: naming the file that is not a readable NIfTI image or holds no class indices,
            or the two files whose shapes or affines differ.
    """
    paths = [image_path, prediction_path, *([] if label_path is None else [label_path])]
    loaded = [_load(path) for path in paths]
    grid, affine = loaded[0][0].shape[:3], loaded[0][1]
    for path, (array, other) in zip(paths[1:], loaded[1:], strict=True):
        if array.shape != grid:
            raise ValueError(
                f"{path} has the shape {array.shape}, but {image_path} has {grid}; "
                "restore the prediction to the image's grid first"
            )
        if not np.allclose(other, affine, rtol=0, atol=SAME_AFFINE):
            raise ValueError(
                f"the affines of {path} and {image_path} differ, so their voxels lie in different "
                "places; restore the prediction to the image's grid first"
            )
    # Whatever the storage, pictures follow radiology: the patient's left is on the right side.
    orientation = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt("LAS")
    )
    volumes = [nibabel.apply_orientation(array, orientation) for array, _ in loaded]
    stored = np.linalg.norm(affine[:3, :3], axis=0)
    spacing = np.empty(3)
    spacing[orientation[:, 0].astype(int)] = stored
    axis = 2 if spacing.max() < ISOTROPIC * spacing.min() else int(spacing.argmax())
    if 1 in grid:
        axis = int(np.argmin(volumes[0].shape[:3]))
    image = np.moveaxis(volumes[0].reshape(*volumes[0].shape[:3], -1)[..., 0], axis, 0)
    masks = [
        np.moveaxis(_class_indices(path, volume), axis, 0)
        for path, volume in zip(paths[1:], volumes[1:], strict=True)
    ]
    width, height = np.delete(spacing, axis)
    rows, columns = _crop(np.any([mask.any(axis=0) for mask in masks], axis=0))
    return [
        Slice(
            image=image[index, rows, columns].T,
            prediction=masks[0][index, rows, columns].T,
            label=masks[1][index, rows, columns].T if len(masks) > 1 else None,
            aspect=float(height / width),
            name=f"{('sagittal', 'coronal', 'axial')[axis]} {index + 1} of {len(image)}",
        )
        for index in _fullest((masks[-1] != 0).sum(axis=(1, 2)), count)
    ]


def _load(path: str | Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return voxels of at least three axes and the affine."""
    try:
        image = nibabel.load(path)
        array = np.asarray(image.dataobj, dtype=np.float64)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise ValueError(f"{path}: cannot be read as a NIfTI image ({error})") from error
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise ValueError(f"{path}: has the shape {array.shape}; 2 to 4 axes can be shown")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) == 0:
        raise ValueError(f"{path}: its affine is singular; repair the header")
    return array.reshape(array.shape + (1,) * (3 - array.ndim)), affine


def _class_indices(path: str | Path, values: NDArray[np.float64]) -> NDArray[np.int64]:
    # Some data sets store labels as float32 or scaled, so that rounding shows.
    whole = np.rint(values)
    if not np.isfinite(values).all() or (whole < 0).any() or (abs(values - whole) > 1e-3).any():
        raise ValueError(f"{path}: holds values that are not class indices (0, 1, 2, ...)")
    return whole.astype(np.int64)


def _crop(foreground: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the ranges of both axes that hold the foreground, if any, and a margin."""
    if not foreground.any():
        return slice(None), slice(None)
    found = [np.flatnonzero(foreground.any(axis=other)) for other in (1, 0)]
    margin = round(MARGIN * max(int(np.ptp(places)) + 1 for places in found))
    first, second = (slice(max(0, places[0] - margin), places[-1] + 1 + margin) for places in found)
    return first, second


def _fullest(amounts: NDArray[np.int64], count: int) -> list[int]:
    """Return up to ``count`` indices with much foreground, spread; the middle if there is none."""
    if not amounts.any():
        return [len(amounts) // 2]
    large = np.flatnonzero(amounts >= LARGE_SLICE * amounts.max())
    runs = np.array_split(large, min(count, len(large)))
    return [int(run[amounts[run].argmax()]) for run in runs]
