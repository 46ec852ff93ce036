"""Recipe from the data: settings that the user left out follow from headers and description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import cast

from monai.transforms import Compose, MapLabelValued, NormalizeIntensityd

from iac_components.bundling.options import OptionError
from iac_components.interface.api.inputs.geometry import Geometry, round_up
from iac_components.interface.api.inputs.recipe import Recipe

__all__ = ["fit_recipe", "layout_settings", "require_known"]

LARGEST_PATCH = {2: 320, 3: 96}
"""Longest side of a training patch in voxels, by spatial dimensions (our choice)."""

_CLASSES = {
    "acdc": ("right_ventricle", "myocardium", "left_ventricle"),
    "kits": ("kidney", "tumour", "cyst"),
    "brats": ("necrotic_core", "edema", "enhancing_tumour"),
}
"""Classes of the layouts whose data do not name them."""


def layout_settings(layout: str) -> dict[str, object]:
    """Return the settings that hold for all data of a layout."""
    settings: dict[str, object] = {}
    if layout in _CLASSES:
        settings["class_names"] = _CLASSES[layout]
    if layout == "brats":
        # The enhancing tumour is 4 in the files of 2021, and 3 in those since.
        relabel = MapLabelValued("label", [4], [3], allow_missing_keys=True)
        scale = NormalizeIntensityd("image", nonzero=True, channel_wise=True)
        settings |= {"label_values": (0, 1, 2, 3, 4), "voxel_values": Compose([relabel, scale])}
    return settings


def require_known(settings: Mapping[str, object]) -> None:
    """Refuse settings that are not fields of a recipe.

    Raises:
        OptionError: naming it, and the fields there are.
    """
    known = [field.name for field in fields(Recipe)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise OptionError(
            f"{', '.join(unknown)} is no argument of load_dataset and no setting of a recipe. "
            f"Settings: {', '.join(known)}."
        )


def fit_recipe(
    geometry: Geometry, *, spatial_dims: int, size_divisor: int, given: Mapping[str, object]
) -> Recipe:
    """Add the missing settings of a recipe.

    Args:
        geometry: of all images, axes in the order of the recipe's plane.
        spatial_dims: 2 for slices, 3 for patches.
        size_divisor: of which sizes are made multiples.
        given: settings that stand, classes and channels among them.

    Raises:
        OptionError: if a value is not allowed.
    """
    settings = dict(given)
    pixdim = settings.setdefault("pixdim", geometry.pixdim(spatial_dims))
    patch = cast("Sequence[int] | None", settings.get("patch_size"))
    percentile = 95 if spatial_dims == 2 else 50
    sizes = geometry.extent(
        cast("Sequence[float]", pixdim), percentile=percentile, divisor=size_divisor
    )
    if spatial_dims == 2:
        least = [*(patch or ()), 0, 0][:2]
        fitting = (*(max(n, p) for n, p in zip(sizes, least, strict=False)), -1)
        sizes = list(cast("Sequence[int]", settings.setdefault("field_of_view", fitting)))[:2]
    if patch is None:
        limit = round_up(LARGEST_PATCH[spatial_dims] - size_divisor + 1, size_divisor)
        settings["patch_size"] = tuple(min(size, limit) for size in sizes)
    return Recipe(**settings)  # type: ignore[arg-type]
