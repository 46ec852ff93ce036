"""Bundles of networks that see volumes: DiNTS' patches, cells' options, sizes that halve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iac_components.bundling.rendering.combination import render
from iac_components.bundling.rendering.facts import (
    DECATHLON,
    DINTS,
    STAGES,
    VOLUMES,
    known,
    load_backbone,
    load_task,
    read_json,
)
from iac_components.bundling.rendering.iac import VolumeCombination

BACKBONES = known(VOLUMES / "backbones")
SLICES_ONLY = ("field_of_view", "empty_fraction", "channels_last")


def combine(tmp_path, backbone="unet3d", task="hippocampus", **config):
    source = load_task(task, method=VOLUMES)
    source = replace(source, config={**source.config, **config})
    return VolumeCombination(source, load_backbone(backbone), tmp_path)


def config_of(combination, stage):
    return combination.config(stage, combination.stage_template(stage))


def test_backbones_of_volumes_have_three_dimensions():
    assert BACKBONES == ("nnunet3d", "segresnet3d", "swinunetr3d", "unet3d")
    assert {load_backbone(name).spatial_dims for name in BACKBONES} == {3}
    assert load_backbone("unet").spatial_dims == 2


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_what_becomes_of_volumes_is_what_dints_does(tmp_path, stage, backbone):
    config = config_of(combine(tmp_path, backbone), stage)
    dints = read_json(DINTS / stage / f"{stage}.json")
    assert not set(SLICES_ONLY) & set(config)
    assert config["session"]["method"] == "iac_3d"
    if stage == "inference":
        assert config["inferer"] == dints["inferer"]
        return
    assert config["train"]["augmentation"] == dints["train"]["augmentation"]
    assert config["train"]["dataset"] == dints["train"]["dataset"]
    keys = list(config)
    assert keys.index("patches_per_volume") == keys.index("patch_size") + 1


@pytest.mark.parametrize(
    ("backbone", "patch", "sizes", "shape"),
    [
        ("unet3d", [40, 56, 40], [48, 64, 48], ["32*n"] * 3),
        ("segresnet3d", [40, 50, 40], [40, 56, 40], ["16*n"] * 3),
        ("swinunetr3d", [64, 70, 64], [64, 96, 64], ["64*n"] * 3),
        # nnU-Net's own patch of hippocampus, which its rules halve three times.
        ("nnunet3d", [40, 56, 40], [40, 56, 40], ["16*n"] * 3),
        ("nnunet3d", [40, 50, 40], [40, 56, 40], ["16*n"] * 3),
    ],
)
def test_patches_are_what_the_backbone_halves(tmp_path, backbone, patch, sizes, shape):
    combination = combine(tmp_path, backbone, patch_size=patch)
    assert combination.sizes() == {"patch_size": sizes}
    assert combination.spatial_shape() == shape
    assert config_of(combination, "inference")["patch_size"] == sizes


def test_a_coarse_axis_is_halved_later(tmp_path):
    combination = combine(tmp_path, "nnunet3d", "prostate")
    assert combination.spatial_shape() == ["64*n", "64*n", "16*n"]


@pytest.mark.parametrize("task", known(DECATHLON / "tasks"))
def test_every_task_is_rendered_with_its_own_channels_and_classes(tmp_path, task):
    combination = combine(tmp_path, "nnunet3d", task)
    dints = load_task(task, method=DINTS).config
    for stage in STAGES:
        config = config_of(combination, stage)
        for key in ("class_names", "in_channels", "pixdim", "voxel_values"):
            value = config[key]
            if (stage, key) == ("inference", "voxel_values"):
                value = {**value, "keys": "image"}
            assert value == dints[key]


def test_settings_of_a_method_stay_with_it():
    assert load_task("hippocampus", method=DINTS).config["patch_size"] == [32, 48, 32]
    assert load_task("hippocampus", method=VOLUMES).config["patch_size"] == [40, 56, 40]


def test_texts_say_volumes_and_that_the_cell_was_not_searched(tmp_path):
    combination = combine(tmp_path)
    for stage in STAGES:
        files = {path.name: text for path, text in render(combination, stage)}
        assert "slice" not in files["README.md"].replace("slices of the", "")
        assert "48 x 64 x 48 voxels of 1 x 1 x 1 mm" in files["README.md"]
        assert "$" not in files["README.md"]
    assert "stand-in that nobody searched" in files["README.md"]


def test_a_cell_that_was_found_is_shipped(tmp_path, monkeypatch):
    combination = combine(tmp_path)
    settings = {"dataset": "hippocampus", "backbone": "unet3d"}
    provenance = {"kind": "searched", "settings": settings, "versions": {}}
    monkeypatch.setattr(VolumeCombination, "provenance", lambda self: provenance)
    assert combination.architecture_note().startswith("was found on this data set")
