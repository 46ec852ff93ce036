"""Transforms of a recipe, the same as in the bundles' configs, built in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monai.inferers import Inferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    EnsureChannelFirstd,
    FgBgToIndicesd,
    Invertd,
    LoadImaged,
    Orientationd,
    RandAffined,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSpatialCropd,
    ResizeWithPadOrCropd,
    Spacingd,
    SpatialPadd,
)

from iac_components.data import NiftiReader, WholeLabelsd, rotation_angles
from iac_components.interface.api.inputs.recipe import PLANES, Recipe
from iac_components.networks import ForegroundSliceInferer, ForegroundWindowInferer

__all__ = [
    "INDICES",
    "augmentation",
    "class_maps",
    "training_volumes",
    "whole_volumes",
    "window_inferer",
]

PAIR = ("image", "label")
INDICES = ("label_fg_indices", "label_bg_indices")
"""Keys of the foreground and background indices that patch crops use."""


def training_volumes(recipe: Recipe) -> Compose:
    """Read, orient, resample, scale and crop (slices) or pad (patches) a volume with its label."""
    axcodes = PLANES[recipe.plane].axcodes
    steps = [
        *_reading(PAIR),
        Orientationd(PAIR, axcodes=axcodes, labels=None),
        Spacingd(PAIR, pixdim=list(recipe.pixdim), mode=["bilinear", "nearest"]),
        recipe.scaling,
    ]
    if recipe.field_of_view is not None:
        return Compose([*steps, ResizeWithPadOrCropd(PAIR, list(recipe.field_of_view))])
    return Compose([*steps, SpatialPadd(PAIR, list(recipe.patch_size)), FgBgToIndicesd("label")])


def augmentation(recipe: Recipe) -> Compose:
    """Crop a random patch of a slice or volume, and augment it."""
    size = list(recipe.patch_size)
    if recipe.field_of_view is not None:
        crop = RandSpatialCropd(PAIR, roi_size=size, random_size=False)
    else:
        crop = RandCropByPosNegLabeld(
            PAIR,
            label_key="label",
            spatial_size=size,
            pos=1,
            neg=1,
            num_samples=1,
            fg_indices_key=INDICES[0],
            bg_indices_key=INDICES[1],
        )
    if not recipe.augment:
        return Compose([crop])
    flat = recipe.spatial_dims == 2
    varied = Compose(
        [
            *(RandFlipd(PAIR, prob=p, spatial_axis=i) for i, p in enumerate(recipe.flips)),
            RandAffined(
                PAIR,
                prob=0.9,
                rotate_range=0.26 if flat else rotation_angles(recipe.pixdim),
                scale_range=0.15 if flat else [0.15] * 3,
                mode=["bilinear", "nearest"],
                padding_mode="border",
            ),
            RandScaleIntensityd("image", factors=0.2, prob=0.5),
            RandShiftIntensityd("image", offsets=0.2, prob=0.5),
        ]
    )
    return Compose([crop, varied])


def whole_volumes(recipe: Recipe, *, labelled: bool = True) -> Compose:
    """Read, orient, resample and scale a whole image; its label keeps its own grid."""
    return Compose(
        [
            *_reading(PAIR if labelled else ("image",)),
            Orientationd("image", axcodes=PLANES[recipe.plane].axcodes, labels=None),
            Spacingd("image", pixdim=list(recipe.pixdim), mode="bilinear"),
            recipe.scaling,
        ]
    )


def window_inferer(recipe: Recipe) -> Inferer:
    """Slide a window over a whole volume."""
    if recipe.field_of_view is None:
        return ForegroundWindowInferer(
            roi_size=list(recipe.patch_size), sw_batch_size=4, overlap=0.5, mode="gaussian"
        )
    return ForegroundSliceInferer(
        roi_size=list(recipe.patch_size),
        spatial_dim=2,
        sw_batch_size=16,
        overlap=0.5,
        mode="gaussian",
    )


def class_maps(preprocessing: Compose | None = None, *further: Callable[..., object]) -> Compose:
    """Make label maps of a network's output, in the image's own grid.

    Args:
        preprocessing: the transform to undo; None if there was none.
        *further: dictionary transforms that follow.
    """
    undo = [] if preprocessing is None else [_inverse(preprocessing)]
    return Compose(
        [Activationsd("pred", softmax=True), *undo, AsDiscreted("pred", argmax=True), *further]
    )


def _inverse(preprocessing: Compose) -> Invertd:
    return Invertd(
        "pred",
        transform=preprocessing,
        orig_keys="image",
        nearest_interp=False,
        to_tensor=True,
    )


def _reading(keys: Sequence[str]) -> list[Callable[..., object]]:
    labels = [WholeLabelsd("label")] if "label" in keys else []
    return [LoadImaged(keys, reader=NiftiReader), EnsureChannelFirstd(keys), *labels]
