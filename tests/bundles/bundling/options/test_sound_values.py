"""Values that are sound, or of no use, and how many faults are told at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from options_checks import config_files, start

WHOLE = "it must be a whole number of at least 1."
STABILITY = {"criterion": "stability"}


ALLOWED = [
    ("search", "iac", {"amp": "false", "pruning": "FALSE", "steps_per_epoch": "null"}),
    (
        "search",
        "iac",
        {"patch_size": (48, 64), "edge_schedule": np.array([2]), "seed": np.int64(3), **STABILITY},
    ),
    (
        "search",
        "iac",
        {"epochs": "$4 * 5", "warmup_epochs": "$@epochs - 1", "device": torch.device("cpu")},
    ),
    ("search", "iac", {"num_nodes": 1, "keep_schedule": [], "edge_schedule": [], **STABILITY}),
    ("search", "iac", {"sites": ["decoder", "bottleneck", "skips"]}),
    ("search", "iac", {"dataset_dir": Path("/somewhere"), "cache_dir": "None", "device": "cpu"}),
    (
        "search",
        "iac",
        {"loss": "$torch.nn.MSELoss()", "optimizer": {"_target_": "torch.optim.SGD"}},
    ),
    ("search", "iac", {"learning_rate": 0, "field_of_view": [-1, -1, -1]}),
    ("search", "dints", {"memory_fraction": "null", "memory_gigabytes": 4}),
    ("search", "dints", {"use_downsample": "false", "patch_size": [8, 16, 24]}),
    (
        "train",
        "iac",
        {"regions": {"whole": [1, 2]}, "skip_module": "plain", "genotype_path": "null"},
    ),
    ("train", "iac", {"loss": torch.nn.MSELoss(), "regions": "null", "val_interval": 100}),
]


@pytest.mark.parametrize(("stage", "method", "options"), ALLOWED)
def test_sound_values_pass(refusal, stage, method, options):
    assert refusal(stage, options, method=method) is None


def test_expressions_are_evaluated_before_they_are_checked(refusal):
    message = refusal("search", {"epochs": "$3 * 0.5"})
    assert message == f"--epochs is '$3 * 0.5', which gives 1.5: {WHOLE}"
    message = refusal("search", {"epochs": "$1 / 0"})
    assert "cannot be evaluated: ZeroDivisionError: division by zero" in message
    message = refusal("search", {"epochs": "@epoch"})
    assert message == (
        "--epochs is '@epoch', but no config of this run has a key 'epoch'. "
        "The nearest known key is @epochs."
    )


@pytest.mark.parametrize("name", ["@mine", "$mine", "$(mine"])
def test_a_folder_that_is_read_as_an_expression(refusal, name):
    message = refusal("search", {"output_dir": name})
    assert message.startswith(f"--output_dir is {name!r}")
    assert message.endswith("For a file or folder of this name write ./ before it.")
    assert "\n" not in message
    assert refusal("search", {"output_dir": f"./{name}"}) is None


def test_every_option_at_fault_is_told_at_once(refusal):
    message = refusal("search", {"epochs": "ten", "fold": "one", "sede": 3})
    first, *lines = message.splitlines()
    assert first == "3 options are at fault."
    assert [line.split()[0] for line in lines] == ["--sede", "--fold", "--epochs"]


def test_a_folds_file_that_exists_has_its_own_number_of_folds(refusal, tmp_path):
    path = tmp_path / "folds.json"
    assert "below --num_folds 5" in refusal("train", {"fold": 7, "folds_file": str(path)})
    path.touch()
    assert refusal("train", {"fold": 7, "folds_file": str(path)}) is None


def test_regions_are_those_of_the_classes(refusal):
    message = refusal("train", {"regions": {"all": [1, 7]}})
    assert "region 'all' holds label value 7, outside 1 to 2" in message


@pytest.mark.parametrize("stage", ["search", "train"])
def test_a_value_in_the_place_of_an_option(refusal, stage):
    """MONAI's own name for the length of a run is ``train#trainer#max_epochs``."""
    where = "train#trainer#max_epochs"
    assert refusal(stage, {where: 2.5}) == f"--{where} is 2.5: {WHOLE}"
    assert "true or false" in refusal(stage, {"train#trainer#amp": "maybe"})
    assert refusal(stage, {where: 2}) is None


@pytest.mark.parametrize(("stage", "method"), [("train", "iac"), ("train", "dints")])
def test_a_short_try_needs_no_other_option(refusal, stage, method):
    """The default of val_interval yields; one that was asked for does not."""
    assert refusal(stage, {"epochs": 3}, method=method) is None
    assert refusal(stage, {"epochs": 3}, "evaluate", method=method) is None
    message = refusal(stage, {"epochs": 3, "val_interval": 4}, method=method)
    assert message.startswith("--val_interval is 4: it must be at most --epochs 3")


@pytest.mark.parametrize(
    ("bundle", "name", "value"),
    [
        ("hippocampus_unet_iac_segmentation_train", "checkpoint", "model.pt"),
        ("hippocampus_dints_segmentation_train", "checkpoint", "model.pt"),
    ],
)
def test_an_option_without_use_is_refused(bundle, name, value):
    message = start(config_files(bundle), {name: value})
    assert message is not None
    assert message.startswith(f"--{name} is {value!r}: this run has no use for it")


@pytest.mark.parametrize("bundle", ["hippocampus_unet_iac", "hippocampus_dints"])
def test_the_same_option_where_it_is_used(bundle):
    files = config_files(f"{bundle}_segmentation_train", "evaluate")
    assert start(files, {"checkpoint": "model.pt", "dataset_name": "mine"}) is None


def test_a_step_that_is_not_there(refusal):
    message = refusal("train", {"run_id": "extra"})
    assert message.startswith("--run_id is 'extra', but no config file of this run has")


def test_a_planned_network_follows_from_the_patch():
    files = config_files("hippocampus_nnunet_iac_segmentation_inference")
    assert start(files, {"patch_size": [64, 64]}) is None
