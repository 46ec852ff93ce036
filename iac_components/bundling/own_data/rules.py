"""Rules from a data set's facts to the values in its configs, each with its reason.

The rules follow nnU-Net's (Isensee et al., Nature Methods 18, 203-211, 2021) where they are
marked; the others are our choice, from what suits the data sets of this collection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from iac_components.bundling.own_data.facts import DatasetFacts
from iac_components.bundling.own_data.planes import Plane, slice_sizes
from iac_components.bundling.rendering.facts import IAC, STAGES, BackboneSource, Facts, read_json
from iac_components.data import DatasetError

__all__ = ["Choice", "config_of", "make_choices"]

EMPTY_TO_FILLED = 1 / 3
LARGE_SLICE = 192 * 192
SEARCH_STEPS = 50
NUM_FOLDS = 5


@dataclass(frozen=True)
class Choice:
    """A value of the configs.

    Attributes:
        key: the top-level key.
        value: as it stands there, or one value for each stage.
        reason: why, for the table.
        by_stage: whether ``value`` is an object of stages.
    """

    key: str
    value: object
    reason: str
    by_stage: bool = False


def make_choices(facts: DatasetFacts, backbone: BackboneSource) -> list[Choice]:
    """Decide every value that depends on the data set.

    Raises:
        DatasetError: if the grey values within a CT's labels leave no window.
    """
    view, patch = slice_sizes(facts.pixels, spacing=facts.spacing, backbone=backbone)
    return [
        Choice("class_names", list(facts.description.class_names), "dataset.json, values 1 to n"),
        Choice("in_channels", facts.geometry.num_channels, _channels_reason(facts)),
        Choice(
            "pixdim",
            [*facts.spacing, -1.0],
            f"mm within {facts.plane.name} slices, not resampled across them",
        ),
        Choice(
            "field_of_view",
            [*view, -1],
            f"95 % of the slices fit ({facts.pixels[0]} x {facts.pixels[1]} pixels), rounded up "
            f"for {backbone.name}",
        ),
        Choice("patch_size", patch, "the field of view, up to 320 pixels"),
        _empty_fraction(facts),
        _flips(facts),
        _voxel_values(facts),
        _batch_size(patch),
        Choice(
            "steps_per_epoch",
            {"search": SEARCH_STEPS},
            "of the search; training sees every slice once an epoch",
            by_stage=True,
        ),
        Choice(
            "num_folds",
            min(NUM_FOLDS, facts.num_patients),
            f"{facts.num_patients} patients in {len(facts.cases)} cases",
        ),
    ]


def config_of(name: str, choices: list[Choice], plane: Plane) -> Facts:
    """Return the config's keys as a source file in ``bundle_sources`` holds them."""
    by_stage: dict[str, Facts] = {stage: _orientation(stage, plane) for stage in STAGES}
    common: Facts = {}
    for choice in choices:
        if choice.by_stage:
            for stage, value in cast(Facts, choice.value).items():
                by_stage[stage][choice.key] = value
        else:
            common[choice.key] = choice.value
    return {
        "dataset_name": name,
        "layout": "decathlon",
        **common,
        "dataset_dir": f"$@bundle_root + '/data/{name}'",
        "by_stage": by_stage,
    }


def _channels_reason(facts: DatasetFacts) -> str:
    stated = facts.description.channel_names
    return ", ".join(stated) if stated else "counted in the images; dataset.json states none"


def _empty_fraction(facts: DatasetFacts) -> Choice:
    """Keep so many slices without foreground that they are a quarter of all.

    Enough to learn what background looks like, and not so many that the classes drown in it
    (nnU-Net oversamples foreground to the same end).
    """
    filled = facts.sample.filled_share
    empty = 1 - filled
    kept = 1.0 if empty * 3 <= filled else _down(filled * EMPTY_TO_FILLED / empty)
    reason = f"{filled:.0%} of the slices hold foreground ({facts.sample.num_cases} cases read)"
    return Choice("empty_fraction", kept, f"{reason}; empty ones become a quarter at most")


def _down(share: float) -> float:
    """To three digits after the point, rounded down, and not to nothing."""
    return max(0.001, math.floor(share * 1000) / 1000)


def _flips(facts: DatasetFacts) -> Choice:
    """Mirror left and right only, and not where classes are told apart by their side.

    Bodies are about symmetric that way and no other.
    """
    sided = [name for name in facts.description.class_names if "left" in name or "right" in name]
    if 0 not in facts.plane.in_plane:
        return Choice(
            "flip_probabilities", [0.0, 0.0], f"{facts.plane.name} slices do not show both sides"
        )
    if sided:
        return Choice("flip_probabilities", [0.0, 0.0], f"classes differ by side ({sided[0]})")
    return Choice("flip_probabilities", [0.5, 0.0], "left and right may be mirrored, no other axis")


def _voxel_values(facts: DatasetFacts) -> Choice:
    """CT: one window for all volumes, Hounsfield units being calibrated. Else: z-score of each.

    The window is what nnU-Net takes, the 0.5 and 99.5 percentiles within the labels. Other grey
    values have no unit, so each volume and channel gets mean 0 and standard deviation 1.
    """
    if facts.modalities != ("CT",):
        return Choice(
            "voxel_values",
            {"_target_": "NormalizeIntensityd", "keys": "image", "channel_wise": True},
            "not all channels are CT: mean 0, deviation 1 for each volume and channel",
        )
    low, high = facts.sample.window
    if not low < high:
        raise DatasetError(
            f"'{facts.dataset_dir}': all channels are CT, but within the labels all grey values of "
            f"the cases read are {low:g}. Check the images, or correct modality in dataset.json."
        )
    window = {"a_min": low, "a_max": high, "b_min": -1.0, "b_max": 1.0, "clip": True}
    return Choice(
        "voxel_values",
        {"_target_": "ScaleIntensityRanged", "keys": "image", **window},
        f"CT: 0.5 and 99.5 percentiles within the labels ({facts.sample.num_cases} cases read)",
    )


def _batch_size(patch: list[int]) -> Choice:
    """By pixels, so that a GPU of 8 GB has room; half in the search, which holds all operations."""
    train = 16 if patch[0] * patch[1] <= LARGE_SLICE else 8
    return Choice(
        "batch_size",
        {"search": train // 2, "train": train},
        f"for {patch[0]} x {patch[1]} pixels; half in the search, whose cells hold all operations",
        by_stage=True,
    )


def _orientation(stage: str, plane: Plane) -> Facts:
    """Return the orientation of a stage's volumes, whose last axis runs across the slices."""
    template = read_json(IAC / stage / f"{stage}.json")
    return {
        f"{where}#axcodes": plane.axcodes
        for where, step in _components(template, "")
        if step.get("_target_") == "Orientationd" and step["axcodes"] != plane.axcodes
    }


def _components(value: object, where: str) -> list[tuple[str, Facts]]:
    """All objects below a value, with their ids in the config."""
    items: list[tuple[object, object]] = []
    found: list[tuple[str, Facts]] = []
    if isinstance(value, dict):
        found.append((where, value))
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        found += _components(item, f"{where}#{key}" if where else str(key))
    return found
