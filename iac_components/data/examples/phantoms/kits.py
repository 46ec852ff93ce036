"""KiTS23-like phantoms: a torso in CT with two kidneys, a tumour and, in some, a cyst."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from iac_components.data.examples.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    volume_shape,
    write_nifti,
)
from iac_components.data.examples.phantoms.fields import ellipsoid, smooth_field
from iac_components.data.examples.phantoms.torso import CT, paint_torso

__all__ = ["write_kits_phantom"]

KIDNEY, TUMOUR, CYST = 1, 2, 3
"""KiTS23's label values."""

# Centre and radii to the right, front and head, where a torso runs from -1 to 1. Both are nearly as
# bright as the kidneys, and no class.
_LIVER = (0.4, 0.15, 0.6), (0.42, 0.5, 0.5)
_SPLEEN = (-0.58, -0.2, 0.6), (0.18, 0.3, 0.35)


@register_phantom("kits")
def write_kits_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write ``dataset/case_NNNNN`` with image and segmentation; every second case has a cyst.

    As in KiTS23, slices are the first axis of the array (from the head down), rows the second (to
    the back) and columns the third (to the patient's left).
    """
    slices, rows, columns = volume_shape(shape, default=(24, 80, 96))
    in_plane, between = spacing_ranges(spacing, default=((3.0, 4.0), (4.0, 6.0)))
    for number in range(num_patients):
        size = (slices + int(random.integers(0, 3)), rows, columns)
        image, label = _paint(size, random, cyst=number % 2 == 0)
        step = random.uniform(*in_plane)
        affine = np.zeros((4, 4))
        affine[0, 2] = affine[1, 1] = -step
        affine[2, 0] = -random.uniform(*between)
        affine[3, 3] = 1
        folder = dataset_dir / "dataset" / f"case_{number:05d}"
        write_nifti(folder / "imaging.nii.gz", image, affine)
        write_nifti(folder / "segmentation.nii.gz", label, affine)


def _paint(
    size: tuple[int, int, int], random: np.random.Generator, *, cyst: bool
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return image in Hounsfield units and label, both (slices, H, W)."""
    up, front, right = np.meshgrid(*(np.linspace(1, -1, n) for n in size), indexing="ij")
    grid = (right, front, up)
    image = paint_torso(right, front, up, random, tissue=CT)
    blood = random.uniform(120, 200)
    for centre, radii in (_LIVER, _SPLEEN):
        image[ellipsoid(grid, centre, radii) < 0] = blood * random.uniform(0.75, 1.0)
    label = np.zeros(size, dtype=np.uint8)
    rough = 0.12 * smooth_field(size, [max(n / 8, 1.0) for n in size], random)
    for side in (-1, 1):
        kidney = random.uniform((0.38, -0.42, -0.15), (0.48, -0.3, 0.2)) * (side, 1, 1)
        extent = random.uniform((0.15, 0.16, 0.4), (0.2, 0.22, 0.6))
        label[ellipsoid(grid, kidney, extent) + rough < 0] = KIDNEY
    greys = {KIDNEY: blood, TUMOUR: blood * random.uniform(0.45, 0.85), CYST: 10.0}
    # The cyst is last: it never hides behind a tumour that is larger.
    for value, smallest, largest in ((TUMOUR, 0.1, 0.24), (CYST, 0.06, 0.12))[: 1 + cyst]:
        radius = random.uniform(smallest, largest)
        where = _border_voxel(label == KIDNEY, random)
        place = [float(axis[where]) for axis in grid]
        level = ellipsoid(grid, place, (radius, radius, 2 * radius))
        label[level + (rough if value == TUMOUR else 0) < 0] = value
        label[where] = value
    for value, grey in greys.items():
        image[label == value] = grey
    image += 12 * smooth_field(size, [max(n / 20, 1.0) for n in size], random)
    image = gaussian_filter(image, (0.3, 0.6, 0.6)) + random.uniform(10, 20) * (
        random.standard_normal(size)
    )
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16), label


def _border_voxel(kidneys: NDArray[np.bool_], random: np.random.Generator) -> tuple[int, ...]:
    """Draw a voxel of the kidneys that lies at their surface."""
    border = np.argwhere(kidneys & binary_dilation(~kidneys))
    return tuple(int(index) for index in border[random.integers(len(border))])
