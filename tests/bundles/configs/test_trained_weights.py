"""Weights that are missing from a bundle: one line, with the command that makes them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.configs import load_trained


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "mine_inference"
    (root / "configs").mkdir(parents=True)
    return root


def test_an_inference_bundle_names_the_training_that_fills_it(root):
    own = root / "models" / "model.pt"
    with pytest.raises(FileNotFoundError, match="no weights are in this bundle") as caught:
        load_trained(nn.Linear(1, 1), own, bundle_root=root)
    train = root.with_name("mine_train") / "configs" / "train.json"
    assert f"--config_file {train} --dataset_dir" in str(caught.value)
    assert f"--ckpt_dir {root / 'models'}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_train_bundle_names_its_own_training(root):
    (root / "configs" / "train.json").touch()
    with pytest.raises(FileNotFoundError, match="Make them") as caught:
        load_trained(nn.Linear(1, 1), root / "models" / "model.pt", bundle_root=root)
    assert f"--config_file {root / 'configs' / 'train.json'}" in str(caught.value)
    assert "--ckpt_dir" not in str(caught.value)


def test_another_file_that_is_missing_is_no_lack_of_the_bundle(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such checkpoint file") as caught:
        load_trained(nn.Linear(1, 1), tmp_path / "typo.pt", bundle_root=root)
    assert "train.json" not in str(caught.value)


@pytest.mark.parametrize("wrap", [dict, lambda state: {"model": state}], ids=["flat", "keyed"])
def test_weights_that_are_there_are_loaded(root, wrap):
    trained, network = nn.Linear(2, 2), nn.Linear(2, 2)
    (root / "models").mkdir()
    own = root / "models" / "model.pt"
    torch.save(wrap(trained.state_dict()), own)
    load_trained(network, own, bundle_root=root)
    assert torch.equal(network.weight, trained.weight)
