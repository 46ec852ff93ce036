"""Names of the field lead to the option that is meant, in every stage that has it."""

from __future__ import annotations

import pytest
from options_checks import config_files, start

from iac_components.bundling.options import load_options
from iac_components.bundling.options.keys.aliases import meant_key

STAGES = [
    (method, *names)
    for method in ("unet_iac", "dints")
    for names in (("search",), ("train",), ("train", "evaluate"), ("inference",))
]
EVERYWHERE = {
    "workers": "num_workers",
    "gpu": "device",
    "data": "dataset_dir",
    "root": "dataset_dir",
    "out": "output_dir",
    "fp16": "amp",
    "spacing": "pixdim",
    "num_classes": "out_channels",
}
TRAINED = {
    "lr": "learning_rate",
    "bs": "batch_size",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "wd": "optimizer#weight_decay",
    "num_steps": "steps_per_epoch",
    "random_seed": "seed",
    "kfold": "num_folds",
}
OF_ONE = [
    (("unet_iac", "train"), "val_every", "val_interval"),
    (("dints", "search"), "val_every", "val_interval"),
    (("unet_iac", "search"), "weights", "backbone_ckpt"),
    (("unet_iac", "train"), "pretrained_weights", "backbone_ckpt"),
    (("unet_iac", "train", "evaluate"), "ckpt", "checkpoint"),
    (("unet_iac", "inference"), "weights", "checkpoint"),
    (("dints", "train"), "ckpt", "checkpoint"),
    (("dints", "inference"), "model", "checkpoint"),
    (("dints", "inference"), "arch", "architecture_path"),
    (("unet_iac", "inference"), "arch", "genotype_path"),
    (("dints", "search"), "alpha_lr", "architecture_learning_rate"),
    (("unet_iac", "inference"), "overlap", "inferer#overlap"),
    (("dints", "train"), "overlap", "validate#inferer#overlap"),
]
CASES = [
    *((stage, given, meant) for stage in STAGES for given, meant in EVERYWHERE.items()),
    *(
        (stage, given, meant)
        for stage in STAGES
        if stage[1] != "inference"
        for given, meant in TRAINED.items()
    ),
    *OF_ONE,
]


@pytest.mark.parametrize(("stage", "given", "meant"), CASES, ids=str)
def test_a_name_of_the_field(stage, given, meant):
    method, name, *others = stage
    files = config_files(f"hippocampus_{method}_segmentation_{name}", *others)
    message = start(files, {given: 1})
    assert message == (
        f"--{given} is unknown: no config file of this run has a key '{given}'. "
        f"The nearest known key is --{meant}."
    )


def test_what_stands_for_nothing_known_is_compared_by_its_letters():
    assert meant_key("lr", ["fold", "folders"]) is None
    assert meant_key("something", ["learning_rate"]) is None
    assert meant_key("LR", ["learning_rate"]) == "learning_rate"
    assert meant_key("batch-size", ["batch_size"]) is None


def test_every_meaning_is_an_option():
    from iac_components.bundling.options.keys import aliases

    known = {*load_options("iac"), *load_options("dints")}
    meanings = {option for options in aliases._MEANINGS.values() for option in options}
    assert {option.partition("#")[0] for option in meanings} <= known
