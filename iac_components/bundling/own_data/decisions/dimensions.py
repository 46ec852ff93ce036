"""Choice between 2-D and 3-D as nnU-Net makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.bundling.own_data.decisions.memory import GIGABYTE, bytes_of_nnunet_3d
from iac_components.bundling.own_data.decisions.sizes import FEWEST_IN_A_BATCH
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.networks import pad_for_nnunet, plan_nnunet

__all__ = ["ANISOTROPIC", "Dimensions", "choose_dimensions", "spacing_3d"]

ANISOTROPIC = 3.0
"""Times the other axes' voxel size from which on an axis counts as coarse (nnU-Net)."""

LOW_RESOLUTION = 0.25
"""Share of the median volume that a patch must cover, or nnU-Net plans a coarser one first."""

START = 256**3
"""Voxels of the patch that nnU-Net begins with."""


@dataclass(frozen=True)
class Dimensions:
    """Plan of a 3-D network.

    Attributes:
        suited: 3 where nnU-Net plans a 3-D network, 2 for images of one slice.
        advised: 2 or 3, of which to take one where only one is wanted: 3 where it is suited, but 2
            where one axis is coarse (our choice; nnU-Net trains both and compares).
        spacing: target voxel size in mm, axes as in the data (RAS).
        patch: of the 3-D network, 2 of which fit into the memory.
        covered: share of the median volume that the patch holds.
        memory: measured bytes of two patches.
        reason: the sentence for the plan.
    """

    suited: int
    advised: int = 2
    spacing: tuple[float, ...] = ()
    patch: tuple[int, ...] = ()
    covered: float = 0.0
    memory: float = 0.0
    reason: str = "images of one slice"


def choose_dimensions(facts: DatasetFacts, *, budget: float) -> Dimensions:
    """Decide between 2-D and 3-D as nnU-Net does.

    Args:
        facts: of the data set.
        budget: bytes of memory.
    """
    shape = np.median(facts.geometry.size * facts.geometry.spacing, axis=0)
    if float(np.median(facts.geometry.size, axis=0).min()) <= 1:
        return Dimensions(2)
    spacing = spacing_3d(facts.geometry.spacing, facts.geometry.size)
    median = np.maximum(1, np.round(shape / spacing)).astype(int)
    patch, memory = _patch(
        median,
        spacing,
        channels=facts.geometry.num_channels,
        classes=len(facts.classes.names) + 1,
        budget=budget,
    )
    if patch is None:
        return Dimensions(2, reason=f"volumes of {_times(median)} voxels are too thin for 3-D")
    covered = float(np.prod(np.minimum(patch, median)) / np.prod(median))
    coarse = float(spacing.max() / np.median(spacing))
    words = [
        f"nnU-Net plans 3-D: a patch of {_times(patch)} voxels "
        f"({memory / GIGABYTE:.1f} GB for two, measured) holds {covered:.0%} of the median volume"
    ]
    if covered < LOW_RESOLUTION:
        words.append("under 25 %, so that it would begin at a lower resolution")
    if coarse > ANISOTROPIC:
        words.append(f"one axis is {coarse:.1f} times as coarse as the others, where 2-D is strong")
    return Dimensions(
        3,
        2 if coarse > ANISOTROPIC else 3,
        tuple(float(f"{size:.4g}") for size in spacing),
        tuple(patch),
        covered,
        memory,
        "; ".join(words),
    )


def spacing_3d(spacings: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """nnU-Net's target voxel size: the median; along a coarse axis of few voxels, its 10 %.

    Args:
        spacings: (N, 3), mm.
        sizes: (N, 3), voxels.
    """
    target = np.median(spacings, axis=0)
    size = np.median(sizes, axis=0)
    worst = int(np.argmax(target))
    others = [axis for axis in range(3) if axis != worst]
    if target[worst] > ANISOTROPIC * target[others].max() and (
        size[worst] * ANISOTROPIC < size[others].min()
    ):
        target[worst] = max(np.percentile(spacings[:, worst], 10), target[others].max())
    return np.asarray(target, dtype=np.float64)


def _patch(
    median: np.ndarray, spacing: np.ndarray, *, channels: int, classes: int, budget: float
) -> tuple[list[int] | None, float]:
    """Return the largest patch of which two fit into the memory, and what these take."""
    inverse = 1 / spacing
    start = np.round(inverse * (START / np.prod(inverse)) ** (1 / 3))
    patch = pad_for_nnunet(
        [int(max(1, side)) for side in np.minimum(start, median)], spacing=spacing.tolist()
    )
    while True:
        try:
            plan = plan_nnunet(patch, spacing=spacing.tolist())
        except ValueError:
            return None, 0.0
        memory = FEWEST_IN_A_BATCH * bytes_of_nnunet_3d(
            plan, patch, channels=channels, classes=classes
        )
        if memory <= budget:
            return patch, memory
        fitted_voxels = np.prod(patch)
        axis = int(np.argmax(np.asarray(patch) / median))
        patch[axis] -= plan.divisor[axis]
        if patch[axis] < 1:
            return None, 0.0
        before, patch = fitted_voxels, pad_for_nnunet(patch, spacing=spacing.tolist())
        if np.prod(patch) >= before:
            return None, 0.0


def _times(sizes: object) -> str:
    return " x ".join(str(int(size)) for size in np.asarray(sizes))
