"""An option that nothing defines is named with the nearest one that is known."""

from __future__ import annotations

import json

import pytest
from options_checks import BUNDLES, check, config_files, outcome, start

STAGES = [
    (method, stage, others)
    for method in ("iac", "dints")
    for stage, others in (
        ("search", ()),
        ("search", ("multi_gpu_search",)),
        ("search", ("tensorboard",)),
        ("train", ()),
        ("train", ("multi_gpu_train",)),
        ("train", ("evaluate",)),
        ("train", ("evaluate", "multi_gpu_evaluate")),
        ("inference", ()),
        ("inference", ("inference_trt",)),
    )
]


@pytest.mark.parametrize(("method", "stage", "others"), STAGES)
def test_every_config_names_an_unknown_key(refusal, method, stage, others):
    message = refusal(stage, {"dataset_dri": "/data"}, *others, method=method)
    assert message == (
        "--dataset_dri is unknown: no config file of this run has a key 'dataset_dri'. "
        "The nearest known key is --dataset_dir."
    )


@pytest.mark.parametrize(
    ("stage", "options", "nearest"),
    [
        ("search", {"epoch": 3}, "--epochs"),
        ("search", {"max_epochs": 2}, "--epochs"),
        ("train", {"genotype": "X"}, "--genotype_path"),
        ("inference", {"epochs": 3}, "--"),
        ("search", {"regions": None}, "--"),
        ("train", {"+imports": ["$import json"]}, "--imports"),
        ("train", {"train#batch_size": 3}, "--train#dataset."),
        ("train", {"train#handler": []}, "--train#handlers."),
        ("train", {"validate#evalutor": None}, "--validate#evaluator."),
        ("train", {"train#trainer#max_epoch": 2}, "--train#trainer#max_epochs."),
        ("search", {"stability#treshold": 0.2}, "--stability#threshold."),
        ("search", {"train#dataset#cachedir": "x"}, "--train#dataset#cache_dir."),
        ("inference", {"postprocessing#transform": []}, "--postprocessing#transforms."),
        ("train", {"validate#handlers#1#pth": "x"}, "--validate#handlers#1#path."),
    ],
)
def test_a_misspelt_key_is_named(refusal, stage, options, nearest):
    message = refusal(stage, options)
    assert message is not None
    assert message.startswith(f"--{next(iter(options))} is unknown: ")
    assert f"The nearest known key is {nearest}" in message
    assert "\n" not in message


def test_an_option_of_another_stage_is_refused(refusal):
    message = refusal("train", {"load_pretrain": "false"})
    assert message.startswith("--load_pretrain is False: this run has no use for it")


def test_a_target_that_does_not_exist(refusal):
    message = refusal("train", {"loss#_target_": "DiceLos"})
    assert message == "--loss#_target_ is 'DiceLos', which cannot be imported."


def test_a_target_of_a_broken_module_is_left_to_monai(refusal, tmp_path, monkeypatch):
    (tmp_path / "broken_losses.py").write_text("raise OSError('no such library')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal("train", {"loss": {"_target_": "broken_losses.Loss", "weight": 1}}) is None


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer#amsgrad": True},
        {"validate#key_metric#again": {"_target_": "MeanDice"}},
        {"loss": {"_target_": "DiceLoss", "softmax": True}},
        {"train#trainer": {"_target_": "SupervisedTrainer", "max_epochs": 3}},
    ],
    ids=str,
)
def test_what_an_object_takes_is_no_unknown_key(refusal, options):
    assert refusal("train", options) is None


@pytest.mark.parametrize("method", ["iac", "dints"])
def test_a_key_that_something_refers_to_is_used(refusal, method):
    options = {"helper": 3, "epochs": "$@helper * 20", "val_interval": "@helper"}
    assert refusal("train", options, method=method) is None


TRAIN = "hippocampus_unet_iac_segmentation_train"


@pytest.fixture
def own_file(tmp_path):
    """A config file of the user's own, in a folder of its own, with a key of its own."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"my_note": "a helper", "epochs": 20}), encoding="utf-8")
    return str(path)


def test_a_key_of_the_users_own_file_is_known(own_file):
    files = [*config_files(TRAIN), own_file]
    assert start(files, {}) is None
    message = start(files, {"my_nott": 1})
    assert "--my_nott is unknown" in message
    assert "The nearest known key is --my_note." in message


def test_a_key_of_an_edited_config_is_known(tmp_path):
    path = tmp_path / "train.json"
    content = json.loads((BUNDLES / TRAIN / "configs" / "train.json").read_text(encoding="utf-8"))
    path.write_text(json.dumps({"my_note": 3, **content}), encoding="utf-8")
    options = {"bundle_root": str(BUNDLES / TRAIN)}
    for run in (start, check):
        assert run([str(path)], options) is None
        assert "--epoch is unknown" in run([str(path)], {**options, "epoch": 3})


def test_a_file_of_arguments_is_looked_through_as_well(tmp_path):
    path = tmp_path / "arguments.json"
    path.write_text(json.dumps({"config_file": config_files(TRAIN), "epoch": 3}), encoding="utf-8")
    assert "--epoch is unknown" in start(None, {}, args_file=str(path))


def test_a_folder_with_a_damaged_file_beside_the_config(tmp_path):
    content = (BUNDLES / TRAIN / "configs" / "train.json").read_text(encoding="utf-8")
    (tmp_path / "train.json").write_text(content, encoding="utf-8")
    (tmp_path / "other.yaml").write_text("a: [", encoding="utf-8")
    options = {"bundle_root": str(BUNDLES / TRAIN)}
    assert check([str(tmp_path / "train.json")], options) is None
    assert "--epoch" in check([str(tmp_path / "train.json")], {**options, "epoch": 3})


def test_outside_a_config_it_says_so():
    from iac_components.bundling.options import check_options

    with pytest.raises(RuntimeError, match="called by a bundle's config"):
        check_options("iac")
    assert outcome(lambda: None) is None
