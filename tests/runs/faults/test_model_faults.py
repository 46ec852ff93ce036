"""Genotypes and checkpoints that do not fit: refused by name, before anything is trained."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.search_space import SearchSpace, random_genotype, save_genotype


def change(genotype, **fields):
    content = json.loads(genotype.read_text(encoding="utf-8"))
    content.pop("digest")
    return json.dumps({**content, **fields})


def three_dimensional(genotype, path):
    save_genotype(random_genotype(SearchSpace(3, num_nodes=2), 0), path)


def other_levels(genotype, path):
    save_genotype(random_genotype(SearchSpace(2, num_nodes=2, levels=3), 0), path)


def future(genotype, path):
    path.write_text(change(genotype, schema_version=99), encoding="utf-8")


def without_nodes(genotype, path):
    content = json.loads(change(genotype))
    del content["nodes"]
    path.write_text(json.dumps(content), encoding="utf-8")


def unknown_operation(genotype, path):
    content = json.loads(change(genotype))
    content["nodes"][0]["edges"][0]["operation"] = "import os"
    path.write_text(json.dumps(content), encoding="utf-8")


def edited(genotype, path):
    content = json.loads(genotype.read_text(encoding="utf-8"))
    edge = content["nodes"][0]["edges"][0]
    edge["operation"] = "max_pool_3x3" if edge["operation"] != "max_pool_3x3" else "sep_conv_3x3"
    path.write_text(json.dumps(content), encoding="utf-8")


def cut_off(genotype, path):
    path.write_text(genotype.read_text(encoding="utf-8")[:100], encoding="utf-8")


def binary(genotype, path):
    path.write_bytes(bytes(range(256)))


def missing(genotype, path):
    pass


GENOTYPES = {
    "3-D": (three_dimensional, "search_space.spatial_dims is 3"),
    "other levels": (other_levels, "search_space.levels is 3"),
    "future version": (future, "schema_version is 99"),
    "no nodes": (without_nodes, "'nodes' is missing"),
    "unknown operation": (unknown_operation, "nodes[0].edges[0].operation 'import os'"),
    "edited": (edited, "digest"),
    "cut off": (cut_off, "not valid JSON"),
    "binary": (binary, "not valid JSON"),
    "missing": (missing, "cannot be read"),
}


@pytest.mark.parametrize("fault", GENOTYPES)
def test_genotype(failure, genotype, tmp_path, fault):
    spoil, expected = GENOTYPES[fault]
    path = tmp_path / "other.json"
    spoil(genotype, path)
    message = failure("train", {"genotype_path": str(path)})
    assert message.startswith("GenotypeError: ")
    assert str(path) in message
    assert expected in message


def test_genotype_for_inference(failure, hippocampus, genotype, tmp_path):
    path = tmp_path / "other.json"
    three_dimensional(genotype, path)
    images = {"dataset_dir": str(hippocampus.phantom / "imagesTr")}
    message = failure("inference", {**images, "genotype_path": str(path)})
    assert str(path) in message
    assert "search a cell for this backbone" in message


def other_network(network, path):
    torch.save({"model": BasicUNet(2, 1, 3, features=[8, 8, 8, 8, 16, 8]).state_dict()}, path)


def other_classes(network, path):
    state = network.state_dict()
    name = [key for key, value in state.items() if value.shape == (3,)][-1]
    torch.save({"model": {**state, name: torch.zeros(4)}}, path)


def truncated(network, path):
    torch.save({"model": network.state_dict()}, path)
    path.write_bytes(path.read_bytes()[:-2000])


def empty(network, path):
    path.write_bytes(b"")


def text(network, path):
    path.write_text("https://example.org/model.pt", encoding="utf-8")


def folder(network, path):
    path.mkdir()


def absent(network, path):
    pass


class Evil:
    def __reduce__(self):
        return os.makedirs, ("executed",)


def code(network, path):
    torch.save({"model": Evil()}, path)


CHECKPOINTS = {
    "another network": (other_network, "checkpoint of another network"),
    "other classes": (other_classes, "(4,) instead of (3,)"),
    "truncated": (truncated, "cut off, damaged"),
    "empty": (empty, "is empty"),
    "text": (text, "not a checkpoint"),
    "folder": (folder, "is a directory"),
    "missing": (absent, "no such checkpoint file"),
    "code": (code, "refused"),
}


@pytest.fixture
def working_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("working_here")
@pytest.mark.parametrize("fault", CHECKPOINTS)
def test_checkpoint(failure, network, genotype, tmp_path, fault):
    spoil, expected = CHECKPOINTS[fault]
    path = tmp_path / "other.pt"
    spoil(network, path)
    options = {"genotype_path": str(genotype), "checkpoint": str(path)}
    message = failure("train", options, "evaluate")
    assert str(path) in message
    assert expected in message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("stage", ["search", "train"])
@pytest.mark.parametrize("fault", ["another network", "truncated", "missing"])
def test_backbone_checkpoint(failure, network, tmp_path, stage, fault):
    spoil, expected = CHECKPOINTS[fault]
    path = tmp_path / "other.pt"
    spoil(network, path)
    message = failure(stage, {"backbone_ckpt": str(path)})
    assert str(path) in message
    assert expected in message


def test_checkpoint_of_an_implanted_network_is_no_backbone(failure, network, tmp_path):
    path = tmp_path / "implanted.pt"
    torch.save({"model": network.state_dict()}, path)
    message = failure("search", {"backbone_ckpt": str(path)})
    assert "checkpoint of another network" in message
    assert str(path) in message


def test_inference_writes_nothing_without_its_weights(failure, hippocampus, genotype, tmp_path):
    path = tmp_path / "model.pt"
    images = {"dataset_dir": str(hippocampus.phantom / "imagesTr")}
    options = {**images, "genotype_path": str(genotype), "checkpoint": str(path)}
    message = failure("inference", options)
    assert str(path) in message


def test_freezing_without_cells(failure):
    message = failure("train", {"frozen_backbone": "true"})
    assert "frozen_backbone leaves nothing to train" in message


@pytest.mark.parametrize(
    ("stage", "option"),
    [
        ("search", "pruning"),
        ("search", "resume"),
        ("train", "resume"),
        ("train", "frozen_backbone"),
    ],
)
def test_switch_that_is_neither_on_nor_off(failure, stage, option):
    message = failure(stage, {option: "maybe"})
    assert f"--{option} is 'maybe': it must be true or false." in message


def test_resuming_another_run(hippocampus, failure, tmp_path):
    """A whole checkpoint of other settings is refused, and stays as it is."""
    out = tmp_path / "run"
    options = {"output_dir": str(out), "ckpt_dir": str(out), "skip_module": "plain"}
    hippocampus.run("train", options)
    newest = out / "checkpoints" / "checkpoint_epoch=2.pt"
    before = newest.read_bytes()
    weights = shutil.copy(out / "model.pt", tmp_path / "before.pt")
    settings = {**options, "resume": True, "epochs": 3, "backbone_def#features": [8] * 5 + [16]}
    message = failure("train", settings)
    assert message.startswith("CheckpointError: ")
    assert str(newest) in message
    assert "another output folder" in message
    assert newest.read_bytes() == before
    assert (out / "model.pt").read_bytes() == weights.read_bytes()


@pytest.mark.parametrize(("stage", "configs"), [("train", ["evaluate"]), ("inference", [])])
def test_a_wrong_checkpoint_is_found_before_the_data_are_read(
    failure, dataset, network, genotype, monkeypatch, tmp_path, stage, configs
):
    path = tmp_path / "other.pt"
    truncated(network, path)
    folder = dataset.folder / "imagesTr" if stage == "inference" else dataset.folder
    options = {"dataset_dir": str(folder), "genotype_path": str(genotype), "checkpoint": str(path)}
    monkeypatch.setattr(
        "iac_components.data.checks.entries.read_volume", lambda path: pytest.fail(path)
    )
    assert str(path) in failure(stage, options, *configs)


@pytest.mark.parametrize(
    ("stage", "option"),
    [
        ("search", {"learning_rate": -1}),
        ("search", {"criterion": "stability", "keep_schedule": [1, 2]}),
        ("search", {"criterion": "stability", "edge_schedule": [9]}),
        ("search", {"architecture_learning_rate": "fast"}),
        ("search", {"patch_size": [8, 8]}),
        ("search", {"channel_divisor": 3}),
        ("search", {"backbone_ckpt": "nowhere.pt"}),
        ("train", {"patch_size": [8, 8]}),
        ("train", {"learning_rate": "nan"}),
        ("train", {"genotype_path": "nowhere.json"}),
        ("train", {"epochs": 3, "val_interval": 4}),
    ],
)
def test_a_wrong_option_is_found_before_the_data_are_read(failure, monkeypatch, stage, option):
    monkeypatch.setattr(
        "iac_components.data.checks.entries.read_volume", lambda path: pytest.fail(path)
    )
    message = failure(stage, option)
    assert list(option)[-1] in message or str(list(option.values())[-1]) in message
    assert "\n" not in message
