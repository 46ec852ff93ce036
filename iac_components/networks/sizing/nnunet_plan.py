"""nnU-Net's rules for the shape of its 2-D (or 3-D) U-Net, from patch size and voxel size.

Source: Isensee et al., nnU-Net, Nature Methods 18, 203-211 (2021), supplementary note 3: an axis
is halved as long as at least 4 voxels of it are left, axes twice as coarse as the finest wait for
it and have kernels of 1 until then, the bottom has kernels of 3, channels double from 32 up to 512
(2-D) or 320 (3-D), and the loss looks at every decoder output but the coarsest, each resolution
half as much as the one above.

Differs from nnU-Net in what a patch of the caller's choice needs: one that is no multiple of the
strides is refused, where nnU-Net pads it, and so is one that can be halved only once; with two
halvings the loss looks at both decoder outputs, since a DynUNet wants one below the finest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

__all__ = ["NnUNetPlan", "pad_for_nnunet", "plan_nnunet"]

SMALLEST_SIDE = 4
"""Voxels that must be left along an axis at the bottom."""

MOST_CHANNELS = {2: 512, 3: 320}


@dataclass(frozen=True)
class NnUNetPlan:
    """Arguments for MONAI's DynUNet, one entry a resolution where they are sequences.

    Attributes:
        strides: step of each resolution's first convolution along each axis.
        kernel_size: size of the convolutions along each axis.
        filters: channels of each resolution.
        deep_supr_num: decoder outputs below the finest that the loss looks at.
        deep_supervision_weights: of the finest output and of those below it; they sum to 1.
    """

    strides: tuple[tuple[int, ...], ...]
    kernel_size: tuple[tuple[int, ...], ...]
    filters: tuple[int, ...]
    deep_supr_num: int
    deep_supervision_weights: tuple[float, ...]

    @property
    def upsample_kernel_size(self) -> tuple[tuple[int, ...], ...]:
        """The strides below the first resolution, undone on the way up."""
        return self.strides[1:]

    @property
    def divisor(self) -> tuple[int, ...]:
        """Number of which an input's size must be a multiple, for each axis."""
        sizes = [1] * len(self.strides[0])
        for stride in self.strides:
            sizes = [size * step for size, step in zip(sizes, stride, strict=True)]
        return tuple(sizes)


def plan_nnunet(
    patch_size: Sequence[int],
    *,
    spacing: Sequence[float] | None = None,
    base_features: int = 32,
    max_features: int | None = None,
) -> NnUNetPlan:
    """Plan a U-Net for a patch.

    Args:
        patch_size: voxels along each axis, 2 or 3 axes.
        spacing: voxel size in mm along each axis; equal by default.
        base_features: channels at the finest resolution.
        max_features: most channels; 512 in 2-D and 320 in 3-D by default.

    Raises:
        ValueError: if the patch is too small for a U-Net of two resolutions below the finest, is
            no multiple of the strides that follow from it, or an argument makes no sense.
    """
    dims = len(patch_size)
    voxel = [float(size) for size in spacing] if spacing is not None else [1.0] * dims
    if dims not in MOST_CHANNELS or len(voxel) != dims or not all(0 < size < inf for size in voxel):
        raise ValueError(
            f"patch_size {list(patch_size)} and spacing {voxel} must have 2 or 3 axes each, and "
            "spacing must be positive and finite."
        )
    most = MOST_CHANNELS[dims] if max_features is None else max_features
    if not 1 <= base_features <= most:
        raise ValueError(f"base_features {base_features} must be 1 to max_features {most}.")
    strides, kernels = _poolings(list(patch_size), voxel)
    poolings = len(strides) - 1
    if poolings < 2:
        raise ValueError(
            f"patch_size {list(patch_size)} can be halved {poolings} time(s) only; nnU-Net's plan "
            f"needs 2. {SMALLEST_SIDE * 6} voxels along the axis of the finest spacing are enough."
        )
    supervised = max(1, poolings - 2)
    weights = [0.5**index for index in range(supervised + 1)]
    plan = NnUNetPlan(
        strides=tuple(strides),
        kernel_size=tuple(kernels),
        filters=tuple(min(base_features * 2**index, most) for index in range(len(strides))),
        deep_supr_num=supervised,
        deep_supervision_weights=tuple(weight / sum(weights) for weight in weights),
    )
    if any(size % step for size, step in zip(patch_size, plan.divisor, strict=True)):
        raise ValueError(
            f"patch_size {list(patch_size)} must be a multiple of {list(plan.divisor)}, which "
            "nnU-Net's rules give for it."
        )
    return plan


def pad_for_nnunet(patch_size: Sequence[int], *, spacing: Sequence[float]) -> list[int]:
    """Round a patch up to a multiple of the strides that follow from it, as nnU-Net does.

    Args:
        patch_size: voxels along each axis.
        spacing: voxel size in mm along each axis.
    """
    size = list(patch_size)
    while True:
        divisor = [1] * len(size)
        for stride in _poolings(list(size), [float(length) for length in spacing])[0]:
            divisor = [step * more for step, more in zip(divisor, stride, strict=True)]
        padded = [-(-side // step) * step for side, step in zip(size, divisor, strict=True)]
        if padded == size:
            return size
        size = padded


def _poolings(
    size: list[int], voxel: list[float]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Strides and kernel sizes, one entry a resolution, finest first."""
    strides: list[tuple[int, ...]] = [(1,) * len(size)]
    kernels: list[tuple[int, ...]] = []
    kernel = (1,) * len(size)
    while True:
        able = [axis for axis, length in enumerate(size) if length >= 2 * SMALLEST_SIDE]
        finest = min((voxel[axis] for axis in able), default=0.0)
        # An axis twice as coarse as the finest is not halved until the others have caught up.
        halved = {axis for axis in able if voxel[axis] < 2 * finest}
        # A last axis alone needs room to spare.
        if not halved or (len(halved) == 1 and size[min(halved)] < 3 * SMALLEST_SIDE):
            return strides, [*kernels, (3,) * len(size)]
        kernel = _widen(kernel, voxel)
        kernels.append(kernel)
        strides.append(tuple(2 if axis in halved else 1 for axis in range(len(size))))
        size = [-(-length // step) for length, step in zip(size, strides[-1], strict=True)]
        voxel = [length * step for length, step in zip(voxel, strides[-1], strict=True)]


def _widen(kernel: tuple[int, ...], voxel: list[float]) -> tuple[int, ...]:
    """3 along every axis that had it, or whose voxels are now less than twice the finest."""
    finest = min(voxel)
    return tuple(
        3 if width == 3 or length < 2 * finest else 1
        for width, length in zip(kernel, voxel, strict=True)
    )
