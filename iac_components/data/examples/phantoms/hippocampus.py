"""Hippocampus-like phantoms in the Decathlon's layout (Task04): two sides a subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from iac_components.common.files import write_json, write_text
from iac_components.data.examples.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    volume_shape,
    write_nifti,
)
from iac_components.data.examples.phantoms.fields import Field, bias_field, smooth_field

__all__ = ["write_hippocampus_phantom"]

ANTERIOR, POSTERIOR = 1, 2
"""The Decathlon's label values."""


@register_phantom("decathlon")
def write_hippocampus_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write imagesTr, labelsTr, dataset.json and groups.csv; cases 2k-1 and 2k are subject k."""
    mean = volume_shape(shape, default=(36, 50, 35), smallest=16)
    ((smallest, largest),) = spacing_ranges(spacing, default=((1.0, 1.0),))
    entries: list[dict[str, str]] = []
    groups = ["case,subject_group"]
    for number in range(1, 2 * num_patients + 1):
        name = f"hippocampus_{number:03d}"
        size = tuple(int(n + random.integers(-2, 3)) for n in mean)
        # Scanners differ in scale by orders of magnitude; a pair comes from one scanner.
        if number % 2:
            scale = 10 ** random.uniform(2, 5)
        image, label = _paint(size, random, side=1 if number % 2 else -1)
        affine = np.diag([*[random.uniform(smallest, largest)] * 3, 1.0])
        affine[:3, 3] = 1
        write_nifti(
            dataset_dir / "imagesTr" / f"{name}.nii.gz", (image * scale).astype(np.float32), affine
        )
        # As in the real data, a few labels are stored as float32.
        stored = label.astype(np.float32) if number % 7 == 2 else label
        write_nifti(dataset_dir / "labelsTr" / f"{name}.nii.gz", stored, affine)
        entries.append({key: f"./{key}sTr/{name}.nii.gz" for key in ("image", "label")})
        groups.append(f"{name},g{(number + 1) // 2:03d}")
    write_text(dataset_dir / "groups.csv", "\n".join(groups) + "\n")
    write_json(
        dataset_dir / "dataset.json",
        {
            "name": "Hippocampus",
            "description": "Synthetic phantom in the layout of Task04_Hippocampus",
            "tensorImageSize": "3D",
            "modality": {"0": "MRI"},
            "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
            "numTraining": len(entries),
            "numTest": 0,
            "training": entries,
            "test": [],
        },
    )


def _paint(
    size: tuple[int, ...], random: np.random.Generator, *, side: int
) -> tuple[Field, NDArray[np.uint8]]:
    """Return image (of mean about 0.5) and label (X, Y, Z) of one hippocampus."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    level, along = _distance_to_body(x, y, z, random, side=side)
    wander = smooth_field(size, (5, 5, 5), random)
    border = random.uniform(-0.02, 0.18) + 0.06 * smooth_field(size, (8, 8, 8), random)
    inside = level + 0.035 * wander < 0
    label = np.where(inside, np.where(along > border, ANTERIOR, POSTERIOR), 0).astype(np.uint8)

    tissue = smooth_field(size, (7, 7, 7), random)
    grey, white, fluid = 0.5, random.uniform(0.72, 0.85), random.uniform(0.12, 0.25)
    image = np.select([tissue < -0.9, tissue < 0.1], [fluid, grey], default=white)
    rim = (level >= 0) & (level < 0.14)
    image[rim] = np.where(z[rim] > 0, white, fluid)
    # Head and tail differ a little, as the real ones do in partial volume and iron.
    image[level < 0] = np.where(along > border, 0.53, 0.47)[level < 0]
    image = gaussian_filter(image + 0.03 * smooth_field(size, (3, 3, 3), random), 0.75)
    image *= bias_field(size, random, strength=0.1)
    image += random.uniform(0.03, 0.06) * random.standard_normal(size)
    return np.clip(image, 0, None), label


def _distance_to_body(
    x: Field, y: Field, z: Field, random: np.random.Generator, *, side: int
) -> tuple[Field, Field]:
    """Return the distance to a bent, tapering tube (inside negative) and the place along it.

    All lengths are fractions of half the volume; the head lies at positive ``along``.
    """
    along = y - random.uniform(-0.08, 0.08)
    bend = random.uniform(0.1, 0.3)
    centre_x = side * (random.uniform(-0.1, 0.1) + bend * (along**2 - 0.3))
    centre_z = random.uniform(-0.15, 0.15) + random.uniform(0.15, 0.45) * (0.2 - along)
    head = np.exp(-(((along - 0.4) / 0.3) ** 2))
    length = random.uniform(0.68, 0.82)
    end = np.sqrt(np.clip(1 - (along / length) ** 4, 0, None))
    radius = (random.uniform(0.22, 0.29) + random.uniform(0.16, 0.24) * head) * end
    flat = random.uniform(0.7, 0.95)
    distance = np.hypot(x - centre_x, (z - centre_z) / flat)
    return np.where(np.abs(along) < length, distance - radius, 1.0), along
