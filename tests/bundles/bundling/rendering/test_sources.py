"""Sources of the bundles: found by their files' names, read as written, and refused by name."""

from __future__ import annotations

from functools import partial

import pytest

from iac_components.bundling.rendering import (
    DintsCombination,
)
from iac_components.bundling.rendering.facts import (
    DECATHLON,
    DINTS,
    IAC,
    VOLUMES,
    known,
    load_backbone,
    load_dataset,
    load_task,
    read_json,
)
from iac_components.bundling.rendering.json_layout import to_json
from iac_components.dints import load_architecture

DATASETS, BACKBONES, TASKS = IAC / "datasets", IAC / "backbones", DECATHLON / "tasks"


def test_sources_are_known_by_their_files():
    assert known(DATASETS) == ("acdc", "amos", "brats", "hippocampus", "kits")
    assert known(BACKBONES) == ("efficientnet", "nnunet", "resnet", "unet")
    assert len(known(TASKS)) == 10


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (load_dataset, "data set 'x' is unknown. Known: acdc, amos"),
        (
            load_backbone,
            "backbone 'x' is unknown. Known: efficientnet, nnunet, resnet, unet, nnunet3d, ",
        ),
        (
            partial(load_task, method=VOLUMES),
            "task 'x' is unknown. Known: brain_tumour, colon, heart",
        ),
    ],
)
def test_an_unknown_source_lists_the_known_ones(load, message):
    with pytest.raises(ValueError, match=message):
        load("x")


@pytest.mark.parametrize("name", known(DATASETS))
def test_a_source_is_called_as_its_file(name):
    assert load_dataset(name).name == name


@pytest.mark.parametrize("name", known(TASKS))
def test_a_task_is_called_as_its_file_and_fits_its_space(name):
    task = load_task(name, method=DINTS)
    combination = DintsCombination(task)
    space = load_architecture(combination.architecture_source()).space
    assert task.name == name
    assert len(task.words["channel_names"]) == task.config["in_channels"]
    assert str(task.words["dataset_folder"]) in task.license_text
    assert "$" not in task.license_text
    space.check_patch(task.config["patch_size"])
    space.check_patch([int(size.removesuffix("*n")) for size in combination.spatial_shape()])
    searched = combination.config("search", DINTS / "search" / "search.json")
    for key in ("num_blocks", "num_depths", "channel_mul", "use_downsample"):
        assert searched[key] == getattr(space, key)


def test_ct_has_its_own_window_and_mr_is_normalised():
    window = load_task("spleen", method=VOLUMES).config["voxel_values"]
    assert (window["a_min"], window["a_max"]) == (-41.0, 176.0)
    heart = load_task("heart", method=VOLUMES).config["voxel_values"]
    assert heart["_target_"] == "NormalizeIntensityd"


@pytest.mark.parametrize("name", known(BACKBONES))
def test_a_backbone_is_called_as_its_file(name):
    assert load_backbone(name).name == name


def test_a_key_twice_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": {"b": 1, "b": 2}}')
    with pytest.raises(ValueError, match=r"a\.json: duplicate keys among \['b', 'b'\]"):
        read_json(path)


def test_json_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "a.json"
    content = {"b": [1, None, "é"], "a": {"c": True}}
    path.write_text(to_json(content), encoding="utf-8")
    assert read_json(path) == content
    assert list(read_json(path)) == ["b", "a"]
