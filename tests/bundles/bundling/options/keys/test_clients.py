"""Keys that MONAI and its clients put into a config are not unknown."""

from __future__ import annotations

import monai.bundle.workflows
import pytest
import torch
from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS
from options_checks import BUNDLES, check, config_files, start

from iac_components.bundling.options.keys.client_keys import TRACKING_KEYS

TRAIN = "hippocampus_unet_iac_segmentation_train"
SEARCH = "hippocampus_unet_iac_segmentation_search"


@pytest.mark.parametrize("bundle", [SEARCH, TRAIN])
def test_tracking(bundle, tmp_path):
    options = {"tracking": "mlflow", "output_dir": str(tmp_path), "experiment_name": "mine"}
    for run in (start, check):
        assert run(config_files(bundle), {**options, "run_name": "first"}) is None


def test_settings_of_tracking_may_define_keys(tmp_path):
    handler = {"_target_": "MLFlowHandler", "tracking_uri": "@my_server"}
    settings = {
        "handlers_id": {"trainer": {"id": "train#trainer", "handlers": "train#handlers"}},
        "configs": {"my_server": "http://localhost", "trainer": handler},
    }
    options = {"tracking": settings, "output_dir": str(tmp_path), "save_execute_config": False}
    assert start(config_files(TRAIN), options) is None


def test_the_keys_of_tracking_are_monais():
    written = set(DEFAULT_MLFLOW_SETTINGS["configs"]) - set(DEFAULT_MLFLOW_SETTINGS["handlers_id"])
    assert set(TRACKING_KEYS) == written - {"output_dir"}


def test_an_option_of_tracking_without_it():
    message = start(config_files(TRAIN), {"run_name": "first"})
    assert message == (
        "--run_name is an option of --tracking, which this run lacks: add --tracking mlflow."
    )


def test_monai_algo_names_the_run_whether_it_is_tracked_or_not():
    assert check(config_files(TRAIN), {"run_name": "site_1"}) is None


def test_overrides_of_monai_label(tmp_path):
    parser = ConfigParser()
    parser.read_config(config_files(TRAIN))
    overrides = {
        "meta_file": str(BUNDLES / TRAIN / "configs" / "metadata.json"),
        "bundle_root": str(BUNDLES / TRAIN),
        "train#trainer#max_epochs": 50,
        "train#dataset#data": [{"image": "a.nii.gz", "label": "b.nii.gz"}],
        "validate#dataset#data": [],
        "device": torch.device("cpu"),
        "train#handlers": [{"_target_": "CheckpointLoader", "load_path": "x", "load_dict": {}}]
        + parser["train#handlers"],
    }
    assert start(config_files(TRAIN), overrides, run_id="run") is None


def test_arguments_of_a_workflow_and_steps_of_other_names():
    options = {"run_id": "my_run", "my_run": ["$1"], "init_id": "initialize", "final_id": "my_end"}
    assert start(config_files(TRAIN), {**options, "workflow_type": "train"}) is None


def test_a_parser_on_its_own_checks_values_alone():
    """Deploy and MONAI Label read a config, and may put anything into it."""
    parser = ConfigParser()
    parser.read_config(config_files(TRAIN))
    parser.read_meta(str(BUNDLES / TRAIN / "configs" / "metadata.json"))
    parser["bundle_root"] = str(BUNDLES / TRAIN)
    parser["their_own"] = 3
    parser.get_parsed_content("initialize::0")
    parser["fold"] = "one"
    with pytest.raises(RuntimeError, match="session"):
        parser.get_parsed_content("initialize::0")


def test_what_is_looked_for_on_the_stack_is_there():
    """``create_workflow`` keeps its arguments under these names."""
    names = monai.bundle.create_workflow.__code__.co_varnames
    assert {"config_file", "_args"} <= set(names)
    assert monai.bundle.workflows.ConfigWorkflow.initialize
