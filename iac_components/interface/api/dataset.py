"""Data set as downloaded: read, split by patient, checked, with a fitting recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.data import (
    DatalistEntry,
    check_datalist,
    check_description,
    check_split,
    check_window_reach,
    load_datalist,
)
from iac_components.data.checks.volumes import VOXEL_SIZE_RANGE
from iac_components.data.layouts.described.description import describe_dataset
from iac_components.interface.api.inputs.fitting import fit_recipe, layout_settings, require_known
from iac_components.interface.api.inputs.geometry import count_channels, read_geometry
from iac_components.interface.api.inputs.parts import Data, Part
from iac_components.interface.api.inputs.recipe import PLANES, Recipe, check_settings
from iac_components.interface.api.inputs.transforms import training_volumes
from iac_components.interface.api.runs.arguments import require

__all__ = ["load_dataset"]

_DISJOINT = ("train", "validation", "test")
_HALVES = ("weights", "architecture")

Datalists = Mapping[str, Sequence[DatalistEntry]]


def load_dataset(
    dataset_dir: str | Path,
    *,
    layout: str,
    spatial_dims: int = 2,
    fold: int = 0,
    num_folds: int = 5,
    split_seed: int = 0,
    folds_file: str | Path | None = None,
    size_divisor: int = 16,
    voxel_size_range: Sequence[float] | None = VOXEL_SIZE_RANGE,
    cache_dir: str | Path | None = None,
    **settings: object,
) -> Data:
    """Read a data set as downloaded, split it by patient, and check every file of it.

    Fields that ``settings`` leave out follow from the data: classes from the description, channels
    from the headers; the median voxel size (for slices, only within them); a field of view that
    holds 95 % of the slices, and patches of that size up to 320 pixels; with three dimensions
    patches of the median size up to 96 voxels. Volumes are prepared when training first needs them.

    Args:
        dataset_dir: the data set's folder.
        layout: of its files: ``decathlon``, ``acdc``, ``amos``, ``brats`` or ``kits``.
        spatial_dims: 2 for networks of slices, 3 for networks of patches of volumes.
        fold: the test fold.
        num_folds: number of folds.
        split_seed: seed of the folds.
        folds_file: file of the folds, drawn and written if absent; None draws them each time.
        size_divisor: factor by which the network divides a side; sizes are made multiples of it.
        voxel_size_range: voxel sizes in mm that images may have; None takes any.
        cache_dir: folder of prepared volumes, shared by all runs; None holds them in memory.
        **settings: fields of :class:`Recipe`, such as ``class_names``, ``patch_size`` or, for CT,
            ``voxel_values``.

    Raises:
        OptionError: if an argument is not allowed.
        DatasetError: naming all faults of all files, each with a remedy.
        ValueError: if a part of the fold is empty.

    Example:
        >>> data = iac.load_dataset("Task04_Hippocampus", layout="decathlon")
        >>> data.recipe.class_names
        ('Anterior', 'Posterior')
    """
    plane = settings.get("plane", "axial")
    if spatial_dims not in (2, 3) or plane not in PLANES or size_divisor < 1:
        raise OptionError(
            f"spatial_dims is {spatial_dims!r}, plane {plane!r} and size_divisor {size_divisor!r}: "
            f"they must be 2 or 3, one of {', '.join(PLANES)}, and at least 1."
        )
    folds = {"fold": fold, "num_folds": num_folds, "split_seed": split_seed}
    require({"layout": layout, "folds_file": folds_file, "cache_dir": cache_dir, **folds})
    require_known(settings)
    check_settings(settings, spatial_dims=spatial_dims)
    parts = {
        part: load_datalist(
            dataset_dir,
            layout=layout,
            part=part,
            fold=fold,
            num_folds=num_folds,
            seed=split_seed,
            folds_file=folds_file,
        )
        for part in (*_DISJOINT, *_HALVES)
    }
    named = _named(settings, dataset_dir, layout, parts["train"][0])
    _check(parts, dataset_dir, layout, named, voxel_size_range)
    entries = [entry for part in _DISJOINT for entry in parts[part]]
    recipe = fit_recipe(
        read_geometry(entries, plane=str(plane)),
        spatial_dims=spatial_dims,
        size_divisor=size_divisor,
        given=named,
    )
    _check_window(parts["train"], recipe)
    origin = {"dataset_name": Path(dataset_dir).absolute().name, "layout": layout, **folds}
    made = {
        name: Part(name, tuple(part), recipe, origin, cache_dir) for name, part in parts.items()
    }
    return Data(recipe, **made)


def _named(
    settings: Mapping[str, object], dataset_dir: str | Path, layout: str, first: DatalistEntry
) -> dict[str, object]:
    """Add the missing names of classes and channels.

    Raises:
        OptionError: if nothing names the classes.
    """
    named: dict[str, object] = layout_settings(layout) | dict(settings)
    named.setdefault("in_channels", count_channels(first))
    if "class_names" not in named:
        description = describe_dataset(dataset_dir, layout=layout)
        if description is None or not description.classes:
            raise OptionError(
                f"'{dataset_dir}' does not name its classes: pass class_names, in order of label."
            )
        named["class_names"] = description.classes
    require({name: named[name] for name in ("class_names", "in_channels")})
    return named


def _check(
    parts: Datalists,
    dataset_dir: str | Path,
    layout: str,
    named: Mapping[str, object],
    voxel_size_range: Sequence[float] | None,
) -> None:
    """Check description, split and every file, as the bundles do before they train.

    Raises:
        DatasetError: naming all that is wrong.
    """
    require({"voxel_size_range": voxel_size_range})
    names = cast("Sequence[str]", named["class_names"])
    channels = cast(int, named["in_channels"])
    check_description(dataset_dir, layout=layout, class_names=names, num_channels=channels)
    disjoint = {name: parts[name] for name in _DISJOINT}
    check_split({name: parts[name] for name in _HALVES})
    check_split(disjoint)
    labels = cast("Sequence[int] | None", named.get("label_values"))
    check_datalist(
        disjoint,
        labels=labels or range(len(names) + 1),
        num_channels=channels,
        voxel_size_range=voxel_size_range,
    )


def _check_window(train: Sequence[DatalistEntry], recipe: Recipe) -> None:
    """Log the labelled voxels outside training's field of view."""
    if recipe.field_of_view is not None:
        check_window_reach(
            train,
            training_volumes(recipe),
            field_of_view=recipe.field_of_view,
            class_names=recipe.class_names,
        )
