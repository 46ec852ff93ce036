"""The record holds everything of a config that defines a run, and nothing else."""

from __future__ import annotations

import json

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.common.console.brief_errors import brief_message

CALL = "$record_run('training', parts={'train': @train#dataset#data}, files={'g': @genotype_path})"
CONFIG = {
    "imports": ["$from iac_components.engine import record_run"],
    "dataset_name": "acdc",
    "class_names": ["a", "b"],
    "out_channels": "$len(@class_names) + 1",
    "warmup_epochs": "$5 if @backbone_ckpt is None else 2",
    "backbone_ckpt": None,
    "genotype_path": None,
    "epochs": 10,
    "seed": 0,
    "augment": True,
    "operations": ["none", "skip_connect"],
    "learning_rate": 0.1,
    "num_workers": 0,
    "val_interval": 5,
    "resume": False,
    "output_dir": "/somewhere",
    "device": "$torch.device('cpu')",
    "network": {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": "@out_channels"},
    "network_def": "$@network.to(@device)",
    "optimizer": {"_target_": "torch.optim.SGD", "lr": "@learning_rate", "weight_decay": 0.1},
    "lr_scheduler": {"_target_": "CosineAnnealingLR", "T_max": "@epochs"},
    "train": {
        "preprocessing": {"transforms": [{"_target_": "A", "keys": ["image"]}, {"_target_": "B"}]},
        "dataset": {"data": [{"image": "1.nii", "patient": "p", "case": "c"}], "cache_dir": None},
        "handlers": [
            {"_target_": "StatsHandler", "iteration_log": False},
            {"_target_": "iac_components.search.StabilityPruningHandler", "keep_schedule": [3, 1]},
        ],
        "trainer": {"_target_": "T", "max_epochs": "@epochs", "warmup_epochs": "@warmup_epochs"},
    },
    "validate": {"inferer": {"overlap": 0.5}, "handlers": [], "dataloader": {"batch_size": 1}},
    "run_record": CALL,
    "initialize": ["$print(@seed)"],
    "run": ["$@train#trainer.run()"],
}


def record(**changes):
    parser = ConfigParser(json.loads(json.dumps(CONFIG)))
    parser.parse()
    parser.update({key.replace("__", "#"): value for key, value in changes.items()})
    return parser.get_parsed_content("run_record")


def test_expressions_of_plain_values_are_evaluated():
    options = record().options
    assert (options["out_channels"], options["warmup_epochs"]) == (3, 5)
    assert "network_def" not in options
    assert options["operations"] == ["none", "skip_connect"]
    assert record().config["optimizer#lr"] == "@learning_rate"


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"seed": 1}, "seed", 1),
        ({"new_option": 1}, "new_option", 1),
        ({"augment": "false"}, "augment", False),
        ({"class_names": ["a"]}, "out_channels", 2),
        ({"optimizer__weight_decay": 0.5}, "optimizer#weight_decay", 0.5),
        ({"optimizer__lr": 0.5}, "optimizer#lr", 0.5),
        ({"optimizer__nesterov": True}, "optimizer#nesterov", True),
        ({"network_def": "$@network"}, "network_def", "$@network"),
        ({"network__out_features": 7}, "network#out_features", 7),
        (
            {"train__preprocessing__transforms__0__keys": "label"},
            "train#preprocessing#transforms#0#keys",
            "label",
        ),
        (
            {"train__handlers__1__keep_schedule": [2]},
            "train#handlers#StabilityPruningHandler#keep_schedule",
            [2],
        ),
        ({"train__trainer__warmup_epochs": 1}, "train#trainer#warmup_epochs", 1),
        ({"validate__inferer__overlap": 0.1}, "validate#inferer#overlap", 0.1),
    ],
)
def test_whatever_defines_the_run_counts(change, name, value):
    before, after = record(), record(**change)
    assert after.identity()[name] == value
    assert before.identity().get(name) != value
    assert before.digest != after.digest


@pytest.mark.parametrize(
    "change",
    [
        {"augment": "True"},
        {"num_workers": 4},
        {"val_interval": 1},
        {"resume": "true"},
        {"output_dir": "/elsewhere"},
        {"device": torch.device("meta")},
        {"train__dataset__cache_dir": "/cache"},
        {"train__handlers": [CONFIG["train"]["handlers"][1], {"_target_": "a.b.MLFlowHandler"}]},
        {"validate__handlers": [{"_target_": "StatsHandler"}]},
        {"validate__dataloader__batch_size": 2},
        {"run": ["$None"]},
        {"epochs": 20},
        {"train__trainer__max_epochs": 20},
    ],
)
def test_places_machine_and_what_looks_on_do_not_count(change):
    assert record(**change).identity() == record().identity()


def test_length_is_the_trainers():
    assert record().epochs == 10
    assert record(epochs=20).epochs == 20
    assert record(train__trainer__max_epochs=1).epochs == 1


def test_cases_count_by_name_wherever_they_lie():
    def digest(*cases):
        return record(train__dataset__data=list(cases)).cases["train"].digest

    one = {"image": "/a/1.nii", "patient": "p", "case": "c"}
    two = {"image": "/a/2.nii", "patient": "p", "case": "d"}
    assert digest(one) == digest({**one, "image": "/b/1.nii"})
    assert digest(one) != digest(two)
    assert digest(one, two) != digest(one)
    nameless = {"image": ["/a/1.nii", "/a/2.nii"]}
    assert digest(nameless) == digest({"image": ["/b/1.nii", "/b/2.nii"]})
    assert digest(nameless) != digest({"image": ["/b/1.nii"]})


def test_files_count_by_content(tmp_path):
    path = tmp_path / "genotype.json"

    def digest(text):
        path.write_text(text)
        return record(genotype_path=str(path)).files["g"]

    before = digest('{"nodes": [1], "provenance": {"seconds": 1}}')
    assert before.startswith("sha256:")
    assert digest('{"provenance": {"seconds": 2},\n "nodes": [1]}') == before
    assert digest('{"nodes": [2]}') != before
    assert digest("not JSON") != digest("nor this")
    path.unlink()
    assert record(genotype_path=str(path)).files["g"] is None


@pytest.mark.parametrize("name", ["model.pt", "model_final.pt"])
def test_weights_to_begin_with_are_not_written_over(tmp_path, name):
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / ".." / "models" / name
    with pytest.raises(RuntimeError) as caught:
        record(ckpt_dir=str(tmp_path / "models"), genotype_path=str(path))
    message = brief_message(caught.value)
    assert message is not None
    assert str(path) in message
    assert "--ckpt_dir" in message
    record(ckpt_dir=str(tmp_path / "other"), genotype_path=str(path))


def test_provenance_is_plain_and_names_no_patient(tmp_path):
    found = record(train__dataset__data=[{"image": "x", "patient": "Jane", "case": "Jane_1"}])
    text = json.dumps(found.provenance())
    assert "Jane" not in text
    torch.save({"run": found.provenance()}, tmp_path / "model.pt")
    assert torch.load(tmp_path / "model.pt", weights_only=True)["run"] == found.provenance()
