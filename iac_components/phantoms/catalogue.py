"""Phantoms: small synthetic datasets in the official layouts, for the demo and the tests.

They look like the real data in what matters to a pipeline (layout, affines, spacing, grey-value
range, slices without foreground) and are hard enough that a segmentation stays imperfect. They
are no substitute for patients: no accuracy measured on them says anything about real images.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from iac_components.common.files import atomic_write
from iac_components.common.registry import Registry

__all__ = [
    "PhantomWriter",
    "register_phantom",
    "spacing_ranges",
    "volume_shape",
    "write_nifti",
    "write_phantom",
]

Range = tuple[float, float]

PhantomWriter = Callable[
    [Path, int, np.random.Generator, tuple[int, ...] | None, tuple[Range, ...] | None], None
]
"""``writer(dataset_dir, num_patients, random, shape, spacing)`` writes a dataset."""

_REGISTRY: Registry[PhantomWriter] = Registry("phantom")

register_phantom = _REGISTRY.register


def write_phantom(
    dataset_dir: str | Path,
    *,
    layout: str,
    num_patients: int = 10,
    seed: int = 0,
    shape: tuple[int, ...] | None = None,
    spacing: tuple[Range, ...] | None = None,
) -> Path:
    """Write a synthetic dataset; the same arguments give the same files, byte for byte.

    Args:
        dataset_dir: the folder to write into.
        layout: ``acdc`` (two frames a patient), ``amos``, ``brats`` (BraTS 2023, some patients at
            two times), ``brats2021`` (read by layout ``brats``), ``decathlon`` (hippocampus, two
            sides a patient), ``kits``, or another task of the Decathlon, read by layout
            ``decathlon``: ``msd_brain_tumour``, ``msd_heart``, ``msd_liver``, ``msd_prostate``,
            ``msd_lung``, ``msd_pancreas``, ``msd_hepaticvessel``, ``msd_spleen``, ``msd_colon``.
        num_patients: number of patients.
        seed: another seed gives other patients.
        shape: voxels, by default each layout's own. ``acdc``: smallest and largest in-plane size
            (96, 128). ``decathlon``: mean size (36, 50, 35). The others: size in the files' own
            axes, ``amos`` (96, 80, 24), ``brats`` (96, 112, 24), ``kits`` (slices, H, W) of
            (24, 80, 96), ``msd_...`` about (48, 48, 40).
        spacing: (smallest, largest) voxel size in mm, by default each layout's own. ``acdc``:
            in plane and between slices, ((1.2, 1.9), (5, 10)), as ``amos`` and ``kits``,
            ((3, 4), (4, 6)), and ``msd_...``, as most of the task's real volumes. ``brats`` and
            ``decathlon``: ((1, 1),).

    Returns:
        The folder, as an absolute path.

    Raises:
        ValueError: if the layout has no phantom, or a number is out of range.
        OSError: if the folder cannot be written.
    """
    writer = _REGISTRY.require(layout)
    if num_patients < 1:
        raise ValueError(f"num_patients must be at least 1, not {num_patients}.")
    for low, high in spacing or ():
        if not 0 < low <= high:
            raise ValueError(f"spacing must be (smallest, largest) in mm, not {(low, high)}.")
    folder = Path(dataset_dir).expanduser().absolute()
    writer(folder, num_patients, np.random.default_rng(seed), shape, spacing)
    return folder


def volume_shape(
    shape: tuple[int, ...] | None, *, default: tuple[int, int, int], smallest: int = 4
) -> tuple[int, int, int]:
    """Return the three sizes asked for, or the default.

    Raises:
        ValueError: if they are not three, or one is below ``smallest``.
    """
    if shape is None:
        return default
    if len(shape) != 3 or min(shape) < smallest:
        raise ValueError(f"shape must be three sizes of at least {smallest} voxels, not {shape}.")
    first, second, third = shape
    return first, second, third


def spacing_ranges(
    spacing: tuple[Range, ...] | None, *, default: tuple[Range, ...]
) -> tuple[Range, ...]:
    """Return the ranges asked for, or the default.

    Raises:
        ValueError: if there are not as many as in the default.
    """
    if spacing is None:
        return default
    if len(spacing) != len(default):
        raise ValueError(
            f"spacing must be {len(default)} range(s) like {default} in mm, not {spacing}."
        )
    return spacing


def write_nifti(path: Path, voxels: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write a compressed NIfTI file, atomically.

    Args:
        path: the ``.nii.gz`` file.
        voxels: (X, Y, Z) or (X, Y, Z, C), of a type that NIfTI stores.
        affine: (4, 4), voxel indices to millimetres.
    """
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    with atomic_write(path) as stream:
        # No time stamp, so that a phantom is the same file whenever it is written.
        stream.write(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))
