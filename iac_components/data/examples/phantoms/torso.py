"""Torso of abdominal phantoms, in CT (Hounsfield units) or MR, without its organs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.data.examples.phantoms.fields import (
    Field,
    ellipsoid,
    random_outline,
    smooth_field,
)

__all__ = ["CT", "MR", "Tissue", "paint_torso"]


@dataclass(frozen=True)
class Tissue:
    """Grey values of a modality.

    Attributes:
        air: outside the body.
        fat: under the skin and between organs.
        muscle: and bowel walls.
        bowel: its content.
        bone: the spine.
        organ: lowest and highest of organs with blood in them.
    """

    air: float
    fat: float
    muscle: float
    bowel: float
    bone: float
    organ: tuple[float, float]


CT = Tissue(air=-1000, fat=-100, muscle=55, bowel=20, bone=450, organ=(60, 190))
"""In Hounsfield units, with contrast agent."""

MR = Tissue(air=0.0, fat=0.85, muscle=0.3, bowel=0.5, bone=0.2, organ=(0.35, 0.7))
"""As fractions of the brightest tissue."""


def paint_torso(
    right: Field, front: Field, up: Field, random: np.random.Generator, *, tissue: Tissue
) -> Field:
    """Paint a torso that fills the volume.

    Args:
        right: (A, B, C) place along the patient's left-right axis, -1 to 1, positive at the right.
        front: place along the back-front axis, likewise.
        up: place along the feet-head axis, likewise.
        random: source of randomness.
        tissue: grey values.

    Returns:
        The image (A, B, C), without noise.
    """
    size = right.shape
    texture = smooth_field(size, [max(n / 8, 1.0) for n in size], random)
    image = np.select(
        [texture < -0.6, texture < 0.6], [tissue.fat, tissue.muscle], default=tissue.bowel
    ).astype(np.float64)
    for _ in range(int(random.integers(5, 9))):
        # Other organs and vessels, as bright as those that are labelled.
        centre = random.uniform(-0.7, 0.7, 3)
        radii = random.uniform(0.06, 0.3, 3)
        image[ellipsoid((right, front, up), centre, radii) < 0] = random.uniform(*tissue.organ)
    image[np.hypot(right / 0.12, (front + 0.55) / 0.14) < 1] = tissue.bone
    body = random_outline(random, roughness=0.03).level(right / 0.95, front / 0.85, 1.0)
    image[body > -0.1] = tissue.fat
    image[body > 0] = tissue.air
    return image
