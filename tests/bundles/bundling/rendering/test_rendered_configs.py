"""Properties of the configs of every combination: scores, windows, and keys of images."""

from __future__ import annotations

import pytest

from iac_components.bundling.rendering import (
    IacCombination,
    all_combinations,
)
from iac_components.bundling.rendering.facts import (
    IAC,
    load_backbone,
    load_dataset,
)


@pytest.mark.parametrize("combination", all_combinations(), ids=lambda one: one.prefix)
def test_checkpoints_are_chosen_by_the_dice_that_is_reported(combination):
    """The key metric scores what the report scores: the same classes or regions."""
    found = 0
    for stage in ("search", "train"):
        folder = combination.sources / stage
        config = combination.config(stage, folder / f"{stage}.json")
        if "validate" not in config:
            continue
        found += 1
        (metric,) = config["validate"]["key_metric"].items()
        name, definition = metric
        assert name == "val_mean_dice"
        assert definition.pop("_target_") == "iac_components.evaluation.PatientDice"
        if stage == "train":
            override = combination.config(stage, folder / "evaluate.json")
            handler = override["validate#handlers"][-1]
            assert handler["_target_"] == "iac_components.evaluation.PatientMetrics"
            reported = {key: handler[key] for key in ("class_names", "regions")}
            assert definition == reported
    assert found


@pytest.mark.parametrize("combination", all_combinations(), ids=lambda one: one.prefix)
def test_no_result_is_cropped(combination):
    """A crop before the network is background in the result; only training may have one."""
    for stage, place in (("train", "validate"), ("inference", "")):
        config = combination.config(stage, combination.sources / stage / f"{stage}.json")
        steps = (config[place] if place else config)["preprocessing"]["transforms"]
        names = [step["_target_"] for step in steps if isinstance(step, dict)]
        assert not [name for name in names if "Crop" in name]
        inferer = (config[place] if place else config)["inferer"]
        assert 0 < inferer["overlap"] < 1
        assert inferer["mode"] == "gaussian"


@pytest.mark.parametrize("dataset", ["hippocampus", "brats"])
def test_images_of_an_inference_may_have_any_key(dataset):
    combination = IacCombination(load_dataset(dataset), load_backbone("unet"))
    for stage, key in (("inference", "@image_key"), ("train", "image")):
        values = combination.config(stage, IAC / stage / f"{stage}.json")["voxel_values"]
        *_, scale = values.get("transforms", [values])
        assert scale["_target_"] == "NormalizeIntensityd"
        assert scale["keys"] == key
