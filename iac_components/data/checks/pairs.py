"""Checks of two volumes against each other: label and image, the channels of one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from iac_components.data.checks.placement import corner_distance
from iac_components.data.nifti.volume_file import Volume

__all__ = [
    "PairCheck",
    "check_channel",
    "check_pair",
    "register_channel_check",
    "register_pair_check",
]

AFFINE_TOLERANCE = 0.1
"""Voxels by which a corner may differ between image and label (our choice): files written by
different programs differ in rounding, which is far below it; a flip is far above."""

PairCheck = Callable[[Volume, Volume, str], Iterator[tuple[str, str]]]
"""``check(first, other, relation)`` yields (problem of the other, remedy); ``relation`` says what
the first is to the other, such as "its image"."""

_PAIR_CHECKS: list[PairCheck] = []
_CHANNEL_CHECKS: list[PairCheck] = []


def register_pair_check(check: PairCheck) -> PairCheck:
    """Register a check of an image with its label."""
    _PAIR_CHECKS.append(check)
    return check


def register_channel_check(check: PairCheck) -> PairCheck:
    """Register a check of an image's first channel with another, where each is a file."""
    _CHANNEL_CHECKS.append(check)
    return check


def check_pair(image: Volume, label: Volume, relation: str) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of all checks of an image with its label."""
    for check in _PAIR_CHECKS:
        yield from check(image, label, relation)


def check_channel(first: Volume, other: Volume, relation: str) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of all checks of an image's first channel with another."""
    for check in _CHANNEL_CHECKS:
        yield from check(first, other, relation)


@register_channel_check
@register_pair_check
def _same_shape(first: Volume, other: Volume, relation: str) -> Iterator[tuple[str, str]]:
    comparable = first.data.ndim >= 3 and other.data.ndim >= 3
    if comparable and first.data.shape[:3] != other.data.shape[:3]:
        yield (
            f"has shape {other.data.shape[:3]}, {relation} {first.data.shape[:3]}",
            f"Resample it to {relation}.",
        )


@register_pair_check
def _same_affine(image: Volume, label: Volume, relation: str) -> Iterator[tuple[str, str]]:
    voxel = np.linalg.norm(image.affine[:3, :3], axis=0).min()
    if (distance := _distance(image, label)) > AFFINE_TOLERANCE * voxel:
        yield (
            f"lies up to {distance:.3g} mm away from {relation} (the affines differ)",
            "Copy the image's affine if the voxels agree, else resample or flip the label.",
        )


@register_channel_check
def _equal_affine(first: Volume, other: Volume, relation: str) -> Iterator[tuple[str, str]]:
    # MONAI's LoadImaged compares like this, and refuses to stack what a label may still differ by.
    if not np.isnan(distance := _distance(first, other)) and not np.allclose(
        other.affine, first.affine
    ):
        yield (
            f"lies up to {distance:.3g} mm away from {relation} (the affines differ)",
            "Copy that file's affine if the voxels agree, else resample it.",
        )


@register_channel_check
def _same_axes(first: Volume, other: Volume, relation: str) -> Iterator[tuple[str, str]]:
    if first.data.ndim != other.data.ndim:
        yield (
            f"is {other.data.ndim}-D, {relation} {first.data.ndim}-D",
            "Save every channel as a 3-D volume.",
        )


def _distance(first: Volume, other: Volume) -> float:
    """Return how far apart the corners of the first volume lie in mm; NaN without an affine."""
    return corner_distance(first.affine, other.affine, first.data.shape)
