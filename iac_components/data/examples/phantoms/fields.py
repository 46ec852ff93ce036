"""Brushes of phantoms: smooth random fields, star-shaped discs, scanner effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

__all__ = ["Outline", "bias_field", "ellipsoid", "random_outline", "smooth_field"]

Field = NDArray[np.float64]


def smooth_field(
    shape: Sequence[int], scale: Sequence[float], random: np.random.Generator
) -> Field:
    """Return a smooth random field of mean 0 and standard deviation 1.

    Args:
        shape: of the field, in voxels.
        scale: width of its structures along each axis, in voxels.
        random: source of randomness.
    """
    # Drawn coarsely and interpolated: a wide Gaussian on the full grid costs ten times as much.
    factors = [max(1.0, width / 2) for width in scale]
    coarse = [int(np.ceil(n / factor)) + 3 for n, factor in zip(shape, factors, strict=True)]
    noise = gaussian_filter(random.standard_normal(coarse), 1.0, mode="wrap")
    field = zoom(noise, factors, order=1)[tuple(slice(n) for n in shape)]
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float64)


def bias_field(shape: Sequence[int], random: np.random.Generator, *, strength: float) -> Field:
    """Return a positive multiplicative field around 1, as from a surface coil."""
    return np.exp(strength * smooth_field(shape, [max(n / 1.5, 1.0) for n in shape], random))


def ellipsoid(
    coordinates: Sequence[Field],
    centre: Sequence[float] | Field,
    radii: Sequence[float] | Field,
) -> Field:
    """Return the level of an ellipsoid: -1 in its centre, 0 on its surface, more outside.

    Args:
        coordinates: one array for each axis, all of one shape.
        centre: of the ellipsoid, in the unit of the coordinates.
        radii: half its axes, in that unit.
    """
    squares = (
        ((values - place) / radius) ** 2
        for values, place, radius in zip(coordinates, centre, radii, strict=True)
    )
    return np.asarray(np.sqrt(sum(squares)) - 1, dtype=np.float64)


@dataclass(frozen=True)
class Outline:
    """A closed contour around a centre, r(angle) = radius * (1 + sum of harmonics).

    Attributes:
        amplitudes: of the harmonics 2, 3, ..., as fractions of the radius.
        phases: of the harmonics, in radians.
    """

    amplitudes: tuple[float, ...]
    phases: tuple[float, ...]

    def level(self, x: Field, y: Field, radius: float) -> Field:
        """Return the distance to the contour along the ray, in the unit of x; inside negative.

        Args:
            x: (H, W) coordinates relative to the centre.
            y: (H, W) coordinates relative to the centre.
            radius: mean radius.
        """
        angle = np.arctan2(y, x)
        wave = sum(
            a * np.cos(k * angle + p)
            for k, (a, p) in enumerate(zip(self.amplitudes, self.phases, strict=True), start=2)
        )
        return np.asarray(np.hypot(x, y) - radius * (1 + wave), dtype=np.float64)


def random_outline(random: np.random.Generator, *, roughness: float, harmonics: int = 3) -> Outline:
    """Draw an outline whose harmonics have amplitudes of about ``roughness``."""
    amplitudes = roughness * random.standard_normal(harmonics) / np.arange(1, harmonics + 1)
    phases = random.uniform(0, 2 * np.pi, harmonics)
    return Outline(tuple(amplitudes.tolist()), tuple(phases.tolist()))
