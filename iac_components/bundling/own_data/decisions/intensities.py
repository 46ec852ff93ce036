"""Grey values: one window for what has a unit, mean and deviation of each image for the rest."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.rule import NNUNET, Choice
from iac_components.bundling.own_data.decisions.sizes import CROPPED
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering.facts import Facts
from iac_components.data import DatasetError

__all__ = ["choose_voxel_values", "is_calibrated"]


def choose_voxel_values(facts: DatasetFacts) -> Choice:
    """CT: clipped to a window common to all volumes, Hounsfield units being calibrated.

    The window is what nnU-Net clips to, the 0.5 and 99.5 percentiles within the labels; it is then
    scaled to -1 to 1 where nnU-Net takes mean and deviation. Other grey values have no unit, so
    each volume and channel gets mean 0 and standard deviation 1, over the voxels that are not 0
    where cropping to these leaves under 3/4 of a volume (brains without skulls).

    Raises:
        DatasetError: if the grey values within a CT's labels leave no window.
    """
    calibrated = is_calibrated(facts)
    nonzero = facts.images.cropped_share < CROPPED
    if not any(calibrated):
        value = _z_score(nonzero)
        reason = _z_score_reason(facts, nonzero)
    elif len(calibrated) == 1:
        value, reason = _window(facts)
    else:
        value, reason = _by_channel(facts, calibrated, nonzero=nonzero)
    mapping = facts.classes.mapping
    if mapping:
        values = ", ".join(f"{old} becomes {new}" for old, new in sorted(mapping.items()))
        value = {"_target_": "Compose", "transforms": [_renumbered(mapping), value]}
        reason = f"{reason}; label {values}"
    return Choice("voxel_values", value, reason, NNUNET)


def is_calibrated(facts: DatasetFacts) -> list[bool]:
    """Return, for each channel, True if it is CT."""
    stated = facts.modalities or (None,) * facts.geometry.num_channels
    return [modality == "CT" for modality in stated]


def _z_score(nonzero: bool) -> Facts:
    value: Facts = {"_target_": "NormalizeIntensityd", "keys": "image", "channel_wise": True}
    return {**value, "nonzero": True} if nonzero else value


def _z_score_reason(facts: DatasetFacts, nonzero: bool) -> str:
    over = "over the voxels that are not 0" if nonzero else "over all voxels"
    left = f"cropping to what is not 0 leaves {facts.images.cropped_share:.0%}"
    modality = " and ".join(dict.fromkeys(facts.modalities)) or "no modality stated"
    return f"{modality}, not CT: mean 0, deviation 1 of each image and channel, {over} ({left})"


def _window(facts: DatasetFacts) -> tuple[Facts, str]:
    low, high = _checked(facts, 0)
    window = {"a_min": low, "a_max": high, "b_min": -1.0, "b_max": 1.0, "clip": True}
    reason = f"CT: 0.5 and 99.5 percentiles within the labels ({facts.images.num_cases} cases read)"
    return {"_target_": "ScaleIntensityRanged", "keys": "image", **window}, reason


def _by_channel(facts: DatasetFacts, calibrated: list[bool], *, nonzero: bool) -> tuple[Facts, str]:
    windows = [
        list(_checked(facts, number)) if ct else None for number, ct in enumerate(calibrated)
    ]
    value: Facts = {
        "_target_": "iac_components.data.NormalizeChannelsd",
        "_requires_": "@bundle_code",
        "keys": "image",
        "windows": windows,
        "nonzero": nonzero,
    }
    count = sum(calibrated)
    return value, (
        f"{count} of {len(calibrated)} channels are CT: percentiles 0.5 and 99.5 within the labels "
        "for these, mean 0 and deviation 1 for the others"
    )


def _checked(facts: DatasetFacts, channel: int) -> tuple[float, float]:
    low, high = facts.images.windows[channel]
    if not low < high:
        raise DatasetError(
            f"'{facts.dataset_dir}': channel {channel} is CT, but within the labels all grey "
            f"values of the cases read are {low:g}. Check the images, or correct the channel's "
            f"name in {facts.description.file}."
        )
    return low, high


def _renumbered(mapping: dict[int, int]) -> Facts:
    return {
        "_target_": "MapLabelValued",
        "keys": "label",
        "orig_labels": sorted(mapping),
        "target_labels": [mapping[value] for value in sorted(mapping)],
        "allow_missing_keys": True,
    }
