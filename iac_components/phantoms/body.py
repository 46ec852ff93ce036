"""Painting a body with structures in it, labelled or not, in CT or in MR sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from iac_components.phantoms.fields import Field, bias_field, ellipsoid, smooth_field
from iac_components.phantoms.torso import Tissue, paint_torso

__all__ = ["Structure", "paint_body"]

Place = tuple[float, float, float]


@dataclass(frozen=True)
class Structure:
    """An organ, vessel or tumour: a bent ellipsoid in a body that runs from -1 to 1.

    Attributes:
        value: its label; 0 for what only looks like one that is labelled.
        place: its centre (to the right, the front and the head), or the number of an earlier
            structure inside which it lies.
        radii: half its axes.
        greys: its grey value in each channel.
        bend: how far its outline is bent.
        absent: every how many cases it is missing; 0 for never.
    """

    value: int
    place: Place | int
    radii: Place
    greys: tuple[float, ...]
    bend: float = 0.06
    absent: int = 0


def paint_body(
    size: tuple[int, int, int],
    random: np.random.Generator,
    *,
    number: int,
    tissues: Sequence[Tissue],
    structures: Sequence[Structure],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return images (C, X, Y, Z) and label (X, Y, Z); axes run to the right, the front, the head.

    Args:
        size: X, Y, Z.
        random: source of randomness.
        number: of the case, from 0, which decides which parts are absent.
        tissues: grey values of each channel; with air below 0 it is CT, in Hounsfield units.
        structures: later ones lie over earlier ones.
    """
    grid = right, front, up = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    # One anatomy for all channels.
    seed = int(random.integers(2**32))
    images = [
        paint_torso(right, front, up, np.random.default_rng(seed), tissue=tissue)
        for tissue in tissues
    ]
    owner = np.full(size, -1)
    for index, structure in enumerate(structures):
        if structure.absent and number % structure.absent == structure.absent - 1:
            continue
        where = _outline(grid, structure, owner, random)
        owner[where] = index
        brightness = random.uniform(0.93, 1.07)
        for image, grey in zip(images, structure.greys, strict=True):
            image[where] = grey * brightness
    values = np.array([*(structure.value for structure in structures), 0], dtype=np.uint8)
    finished = [
        _scan(image, random, is_ct=tissue.air < 0)
        for image, tissue in zip(images, tissues, strict=True)
    ]
    # -1, nobody's, is the last.
    return np.stack(finished), values[owner]


def _outline(
    grid: Sequence[Field],
    structure: Structure,
    owner: NDArray[np.int_],
    random: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return the voxels of a structure, at least one."""
    if isinstance(structure.place, int):
        inside = np.argwhere(owner == structure.place)
        voxel = tuple(inside[random.integers(len(inside))])
        centre = [float(axis[voxel]) for axis in grid]
    else:
        centre = [value + random.uniform(-0.05, 0.05) for value in structure.place]
    radii = [radius * random.uniform(0.85, 1.15) for radius in structure.radii]
    size = owner.shape
    widths = [max(n / 4, 1.0) for n in size]
    bent = [axis + structure.bend * smooth_field(size, widths, random) for axis in grid]
    level = ellipsoid(bent, centre, radii)
    # Of a structure smaller than a voxel, that voxel is left.
    return np.asarray((level < 0) | (level == level.min()))


def _scan(image: Field, random: np.random.Generator, *, is_ct: bool) -> NDArray[np.float32]:
    """Add partial volume, texture and noise; CT in Hounsfield units, MR at an arbitrary scale."""
    size = image.shape
    unit = 15.0 if is_ct else 0.1
    image = image + 0.5 * unit * smooth_field(size, [max(n / 20, 1.0) for n in size], random)
    image = gaussian_filter(image, 0.5)
    image += unit * random.uniform(0.4, 0.8) * random.standard_normal(size)
    if is_ct:
        return np.clip(np.rint(image), -1024, 3071).astype(np.float32)
    image = np.clip(image * bias_field(size, random, strength=0.12), 0, None)
    return np.rint(image * random.uniform(300, 1500)).astype(np.float32)
