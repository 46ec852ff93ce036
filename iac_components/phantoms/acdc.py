"""ACDC-like phantoms: short-axis stacks of a beating two-chamber heart in a chest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from iac_components.common.files import write_text
from iac_components.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    write_nifti,
)
from iac_components.phantoms.fields import (
    Field,
    Outline,
    bias_field,
    random_outline,
    smooth_field,
)

__all__ = ["write_acdc_phantom"]

RIGHT_VENTRICLE, MYOCARDIUM, LEFT_VENTRICLE = 1, 2, 3
"""ACDC's label values."""

RIGHT_WALL = 2.5
"""Thickness of the right ventricle's wall in mm."""


@dataclass(frozen=True)
class _Heart:
    """One patient's anatomy; lengths in mm, positions relative to the image's centre."""

    centre: tuple[float, float]
    drift: tuple[float, float]
    cavity: float
    wall: float
    septum: float
    squeeze: float
    first: float
    last: float
    outline: Outline
    right_outline: Outline


@register_phantom("acdc")
def write_acdc_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write ``training/patientNNN`` with two labelled frames and Info.cfg for each patient.

    The second patient (the first, if alone) has end-systole before end-diastole, as patient090
    of ACDC has.
    """
    if shape is not None and (len(shape) != 2 or min(shape) < 32 or shape[0] > shape[1]):
        raise ValueError(f"shape must be (smallest, largest) in-plane size from 32, not {shape}.")
    smallest, largest = shape or (96, 128)
    in_plane, between = spacing_ranges(spacing, default=((1.2, 1.9), (5.0, 10.0)))
    reversed_patient = min(2, num_patients)
    for number in range(1, num_patients + 1):
        size = (*random.integers(smallest, largest + 1, 2).tolist(), int(random.integers(6, 11)))
        step = random.uniform(*in_plane)
        voxel = (step, step, random.uniform(*between))
        heart = _draw_heart(random, field_of_view=step * min(size[:2]))
        late = int(random.integers(8, 15))
        diastole, systole = (late, 4) if number == reversed_patient else (1, late)
        name = f"patient{number:03d}"
        folder = dataset_dir / "training" / name
        chest_seed = int(random.integers(2**32))
        for frame, contraction in ((diastole, 0.0), (systole, 1.0)):
            # Both frames show the same chest, so its draws start again from the same seed.
            chest = np.random.default_rng(chest_seed)
            image, label = _paint(heart, size, voxel, contraction, chest, random)
            affine = np.diag([-voxel[0], -voxel[1], voxel[2], 1.0])
            write_nifti(folder / f"{name}_frame{frame:02d}.nii.gz", image, affine)
            write_nifti(folder / f"{name}_frame{frame:02d}_gt.nii.gz", label, affine)
        write_text(
            folder / "Info.cfg",
            f"ED: {diastole}\nES: {systole}\n"
            "Group: NOR\nHeight: 170.0\nNbFrame: 30\nWeight: 70.0\n",
        )


def _draw_heart(random: np.random.Generator, *, field_of_view: float) -> _Heart:
    """Draw a patient, of ordinary size in a chest of 150 mm and smaller in a smaller one."""
    scale = min(1.0, field_of_view / 150)
    return _Heart(
        centre=(scale * random.uniform(-12, 18), scale * random.uniform(-15, 15)),
        drift=(scale * random.uniform(-8, 8), scale * random.uniform(-8, 8)),
        cavity=scale * random.uniform(19, 30),
        wall=scale * random.uniform(6.5, 11),
        # The right ventricle lies to the right and front: towards low indices in LPS images.
        septum=1.25 * np.pi + random.uniform(-0.6, 0.6),
        squeeze=random.uniform(0.5, 0.8),
        first=random.uniform(-0.08, 0.16),
        last=random.uniform(0.86, 1.06),
        outline=random_outline(random, roughness=0.05),
        right_outline=random_outline(random, roughness=0.06),
    )


def _paint(
    heart: _Heart,
    size: tuple[int, int, int],
    voxel: tuple[float, float, float],
    contraction: float,
    chest: np.random.Generator,
    random: np.random.Generator,
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return image and label (X, Y, Z) of one frame."""
    axes = [(np.arange(n) - (n - 1) / 2) * v for n, v in zip(size[:2], voxel[:2], strict=True)]
    x, y = np.meshgrid(*axes, indexing="ij")
    blood = chest.uniform(170, 240)
    muscle = blood * chest.uniform(0.4, 0.62)
    image = _paint_chest(x, y, size, blood, muscle, chest)
    label = np.zeros(size, dtype=np.uint8)
    # The reader's contour wanders about the true border, by less than a voxel.
    wander = 0.7 * smooth_field(size, (9, 9, 1), random)
    for index in range(size[2]):
        place = ((index + 0.5) / size[2] - heart.first) / (heart.last - heart.first)
        if not 0 < place < 1:
            continue
        truth, left, right = _chambers(heart, x, y, place, contraction, 0 * x)
        # The right ventricle's own wall is thin and belongs to no label.
        image[..., index][right < RIGHT_WALL] = muscle
        flow = blood * random.uniform(0.92, 1.05)
        values = np.array([0.0, flow * random.uniform(0.85, 1.0), muscle, flow])
        image[..., index] = np.where(truth > 0, values[truth], image[..., index])
        _paint_papillary(image[..., index], left, muscle, x, y, random)
        # ACDC's readers stop before the very base, and see no right ventricle at the apex.
        drawn, *_ = _chambers(heart, x, y, place, contraction, wander[..., index])
        label[..., index] = drawn if place > 0.04 else 0
    image = gaussian_filter(image, (0.7, 0.7, 0.35))
    image *= bias_field(size, chest, strength=0.16)
    image += random.standard_normal(size) * blood * random.uniform(0.07, 0.13)
    return np.clip(image * random.uniform(0.6, 1.6), 0, 4000).astype(np.int16), label


def _chambers(
    heart: _Heart, x: Field, y: Field, place: float, contraction: float, wander: Field
) -> tuple[NDArray[np.uint8], Field, Field]:
    """Return the label map (H, W) at ``place`` (0 base, 1 apex) and both cavities' levels."""
    taper = float(np.sqrt(1 - (0.25 + 0.72 * place) ** 2)) / 0.97
    squeeze = 1 + contraction * (heart.squeeze - 1)
    cavity = heart.cavity * taper * squeeze
    wall = heart.wall * (0.75 + 0.25 * taper) * (1 + 0.35 * contraction)
    u = x - heart.centre[0] - heart.drift[0] * (place - 0.5)
    v = y - heart.centre[1] - heart.drift[1] * (place - 0.5)
    left = heart.outline.level(u, v, cavity) + wander
    outer = heart.outline.level(u, v, cavity + wall) + 0.8 * wander
    # The right ventricle is what the left one's wall leaves of a larger disc beside it.
    reach = 0.8 * (heart.cavity + heart.wall) * (1.08 - place**2) * (1 - 0.18 * contraction)
    offset = 0.62 * (cavity + wall) + 0.4 * reach
    du, dv = offset * np.cos(heart.septum), offset * np.sin(heart.septum)
    right = heart.right_outline.level(u - du, v - dv, max(reach, 1e-3)) + 1.2 * wander
    label = np.zeros(x.shape, dtype=np.uint8)
    if place < 0.82:
        label[right < 0] = RIGHT_VENTRICLE
    label[outer < 0] = MYOCARDIUM
    if cavity > 3:
        label[left < 0] = LEFT_VENTRICLE
    return label, left, right


def _paint_papillary(
    plane: Field, left: Field, muscle: float, x: Field, y: Field, random: np.random.Generator
) -> None:
    """Put two dark muscles into the left cavity, which readers count as cavity."""
    inside = np.argwhere(left < -5)
    for row, column in random.permutation(inside)[:2]:
        distance = np.hypot(x - x[row, column], y - y[row, column])
        spot = (distance < random.uniform(1.5, 3.5)) & (left < 0)
        plane[spot] = 1.15 * muscle


def _paint_chest(
    x: Field,
    y: Field,
    size: tuple[int, int, int],
    blood: float,
    muscle: float,
    chest: np.random.Generator,
) -> Field:
    """Return (X, Y, Z) of everything but the heart: lungs, chest wall, liver, vessels."""
    half = np.array([np.abs(x).max(), np.abs(y).max()])
    organs = smooth_field(size, (16, 16, 6), chest)
    texture = smooth_field(size, (4, 4, 1.5), chest)
    image = np.select(
        [organs < -0.55, organs < 0.35, organs < 0.95],
        [0.14 * blood, 0.8 * muscle, 1.1 * muscle],
        default=0.68 * blood,
    )
    image = image + 0.12 * muscle * texture
    body = random_outline(chest, roughness=0.04).level(x / half[0], y / half[1], 0.97)
    image[(body > -0.14) & (body < 0)] = 1.15 * blood
    # Vessels are as bright as the cavities, and some have a wall as dark as the myocardium.
    for _ in range(int(chest.integers(3, 7))):
        cx, cy = chest.uniform(-0.9, 0.9, 2) * half
        radius, wall = chest.uniform(5, 13), chest.choice([0.0, 3.0, 6.0])
        level = random_outline(chest, roughness=0.08).level(x - cx, y - cy, radius)
        first = int(chest.integers(0, size[2]))
        stack = slice(first, first + int(chest.integers(2, size[2] + 1)))
        image[level < wall, stack] = muscle
        image[level < 0, stack] = blood * chest.uniform(0.85, 1.05)
    image[body > 0] = 0.04 * blood
    return np.asarray(image, dtype=np.float64)
