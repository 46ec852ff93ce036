"""AMOS22-like phantoms: a torso with 15 organs, half in CT and half in MR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from iac_components.common.files import write_json
from iac_components.data.examples.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    volume_shape,
    write_nifti,
)
from iac_components.data.examples.phantoms.fields import bias_field, ellipsoid, smooth_field
from iac_components.data.examples.phantoms.torso import CT, MR, paint_torso

__all__ = ["write_amos_phantom"]

# Label value order. Centre and radii to the right, front and head (a torso runs from -1 to 1), and
# grey values in CT (Hounsfield units) and MR (fractions).
_ORGANS: tuple[tuple[str, tuple[float, ...], tuple[float, ...], float, float], ...] = (
    ("spleen", (-0.6, -0.28, 0.55), (0.14, 0.24, 0.28), 120, 0.55),
    ("right kidney", (0.42, -0.38, 0.05), (0.14, 0.15, 0.32), 170, 0.68),
    ("left kidney", (-0.42, -0.38, 0.12), (0.14, 0.15, 0.32), 170, 0.68),
    ("gall bladder", (0.36, 0.28, 0.25), (0.09, 0.11, 0.14), 10, 0.95),
    ("esophagus", (-0.06, -0.2, 0.85), (0.06, 0.06, 0.25), 45, 0.42),
    ("liver", (0.42, 0.12, 0.6), (0.38, 0.45, 0.38), 110, 0.5),
    ("stomach", (-0.35, 0.25, 0.6), (0.25, 0.26, 0.28), 35, 0.38),
    ("arota", (-0.1, -0.32, 0.0), (0.08, 0.08, 1.4), 180, 0.22),
    ("postcava", (0.13, -0.26, 0.1), (0.09, 0.07, 1.2), 130, 0.32),
    ("pancreas", (-0.05, 0.0, 0.28), (0.28, 0.1, 0.11), 95, 0.6),
    ("right adrenal gland", (0.26, -0.2, 0.48), (0.06, 0.09, 0.1), 70, 0.44),
    ("left adrenal gland", (-0.26, -0.2, 0.52), (0.06, 0.09, 0.1), 70, 0.44),
    ("duodenum", (0.22, 0.02, 0.08), (0.11, 0.11, 0.18), 50, 0.5),
    ("bladder", (0.0, 0.3, -0.82), (0.24, 0.22, 0.2), 8, 0.95),
    ("prostate/uterus", (0.0, -0.04, -0.85), (0.17, 0.13, 0.16), 60, 0.58),
)
_ABSENT = {4: 5, 14: 3, 15: 3}
"""Label value -> every how many patients the organ is absent."""

FIRST_MR = 501
"""In AMOS, numbers up to 500 are CT."""


@register_phantom("amos")
def write_amos_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write dataset.json, images and labels: CT and MR in turn, every fourth for validation.

    Every third patient's bladder and prostate or uterus lie outside the image, and every fifth has
    no gall bladder any more. One image more, in ``imagesTs``, has no label.
    """
    size = volume_shape(shape, default=(96, 80, 24))
    in_plane, between = spacing_ranges(spacing, default=((3.0, 4.0), (4.0, 6.0)))
    lists: dict[str, list[dict[str, str]]] = {"training": [], "validation": [], "test": []}
    for number in range(num_patients + 1):
        is_mr = number % 2 == 1
        name = f"amos_{number // 2 + (FIRST_MR if is_mr else 1):04d}"
        absent = {value for value, nth in _ABSENT.items() if number % nth == nth - 1}
        step = random.uniform(*in_plane)
        image, label = _paint(size, random, is_mr=is_mr, absent=absent)
        affine = np.diag([-step, -step, random.uniform(*between), 1.0])
        if number == num_patients:
            part, suffix = "test", "Ts"
        elif number % 4 == 3:
            part, suffix = "validation", "Va"
        else:
            part, suffix = "training", "Tr"
        entry = {"image": f"./images{suffix}/{name}.nii.gz"}
        write_nifti(dataset_dir / entry["image"], image, affine)
        if part != "test":
            entry["label"] = f"./labels{suffix}/{name}.nii.gz"
            write_nifti(dataset_dir / entry["label"], label, affine)
        lists[part].append(entry)
    names = ("background", *(organ[0] for organ in _ORGANS))
    write_json(
        dataset_dir / "dataset.json",
        {
            "name": "AMOS",
            "description": "Synthetic phantom in the layout of AMOS22",
            "tensorImageSize": "3D",
            "modality": {"0": "CT"},
            "labels": {str(value): organ for value, organ in enumerate(names)},
            "numTraining": len(lists["training"]),
            "numValidation": len(lists["validation"]),
            "numTest": len(lists["test"]),
            **lists,
        },
    )


def _paint(
    size: tuple[int, int, int], random: np.random.Generator, *, is_mr: bool, absent: set[int]
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return image and label (X, Y, Z). X runs to the patient's left, Y to the back, Z up."""
    axes = (np.linspace(1, -1, size[0]), np.linspace(1, -1, size[1]), np.linspace(-1, 1, size[2]))
    grid = np.meshgrid(*axes, indexing="ij")
    image = paint_torso(*grid, random, tissue=MR if is_mr else CT)
    rough = 0.1 * smooth_field(size, [max(n / 8, 1.0) for n in size], random)
    label = np.zeros(size, dtype=np.uint8)
    # The largest first, so that none hides another.
    for value in sorted(range(1, 16), key=lambda index: -np.prod(_ORGANS[index - 1][2])):
        _, centre, radii, *greys = _ORGANS[value - 1]
        place = centre + random.uniform(-0.03, 0.03, 3)
        level = ellipsoid(grid, place, radii * random.uniform(0.85, 1.15, 3))
        if value not in absent:
            # Of an organ smaller than a voxel, that voxel is left.
            organ = (level + rough < 0) | (level == level.min())
            label[organ] = value
            image[organ] = greys[is_mr] * random.uniform(0.9, 1.1)
    unit = 0.1 if is_mr else 15.0
    image += 0.5 * unit * smooth_field(size, [max(n / 20, 1.0) for n in size], random)
    image = gaussian_filter(image, (0.6, 0.6, 0.3))
    image += unit * random.uniform(0.4, 0.8) * random.standard_normal(size)
    if is_mr:
        image = np.clip(image * bias_field(size, random, strength=0.15), 0, None)
        return (image * random.uniform(300, 1500)).astype(np.int16), label
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16), label
