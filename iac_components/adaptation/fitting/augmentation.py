"""Small random changes of a window: what a scanner and a patient's position vary anyway."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from monai.transforms import RandAffine
from torch import Tensor

__all__ = ["augment"]

TURN = 0.2
"""Largest angle in radians; half of it where there are three axes."""

SCALE = 0.1
BRIGHTNESS = 0.1
"""Largest factor, and largest offset in standard deviations."""


def augment(image: Tensor, label: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn, scale, brighten and offset a window a little.

    No flips: left and right may be different classes. (Our choice of strengths.)

    Args:
        image: (C, *S).
        label: (*S).
        generator: decides the change.
    """
    seed, factor, offset = _draw(generator)
    affine = _affine(label.ndim).set_random_state(seed=seed)
    grid_of = tuple(label.shape)
    moved = affine(image, spatial_size=grid_of, mode="bilinear")
    # The same change again, for values that must not be mixed.
    turned = affine(
        label[None].float(), spatial_size=grid_of, mode="nearest", randomize=False
    ).round()
    changed = _plain(moved) * (1 + BRIGHTNESS * factor) + BRIGHTNESS * offset * image.std()
    return changed.to(image.dtype), _plain(turned)[0].to(label.dtype)


def _draw(generator: torch.Generator) -> tuple[int, float, float]:
    seed = int(torch.randint(2**31, (1,), generator=generator))
    factor, offset = (2 * torch.rand(2, generator=generator) - 1).tolist()
    return seed, factor, offset


@cache
def _affine(dimensions: int) -> RandAffine:
    turns: Sequence[float] = (TURN,) if dimensions == 2 else (TURN / 2,) * 3
    return RandAffine(
        prob=1.0,
        rotate_range=turns,
        scale_range=(SCALE,) * dimensions,
        padding_mode="border",
    )


def _plain(values: Tensor) -> Tensor:
    plain: Tensor = values.as_tensor() if hasattr(values, "as_tensor") else values
    return plain
