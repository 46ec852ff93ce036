"""A signal in a bundle's run: the state is saved, and the run continues from there."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch

from iac_components.engine.owned_folders import LOCK_NAME

BUNDLES = Path(__file__).parents[4] / "bundles"


def test_every_engine_of_every_bundle_can_be_interrupted():
    """The engines' own run would not listen."""
    for config in BUNDLES.glob("*/configs/*.json"):
        runs = json.loads(config.read_text(encoding="utf-8")).get("run", [])
        assert not [item for item in runs if item.endswith(".run()")], config
        if config.stem in ("search", "train", "evaluate", "inference"):
            assert sum("session.run(" in item for item in runs) == 1, config


def sending(calls):
    """A loss that gets a signal in its seventh step: in the middle of the second epoch."""

    def loss(prediction, label):
        calls.append(1)
        if len(calls) == 7:
            signal.raise_signal(signal.SIGTERM)
        return prediction.square().mean()

    return loss


def weights(folder):
    return torch.load(folder / "model_final.pt", weights_only=True)["model"]


def test_interrupted_training_ends_in_the_same_weights(hippocampus, tmp_path, capfd):
    """No checkpoint of the first epoch is due, and yet none of it is lost."""
    options = {"skip_module": "plain", "epochs": 3, "val_interval": 3, "steps_per_epoch": 4}
    folders = {"output_dir": str(tmp_path), "ckpt_dir": str(tmp_path)}
    with pytest.raises(SystemExit) as caught:
        hippocampus.run("train", {**options, **folders, "loss": sending([])})
    assert caught.value.code == 143
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["checkpoint_epoch=1.pt"]
    assert not (tmp_path / "model_final.pt").exists()
    assert "Ended by SIGTERM in epoch 2 of 3" in capfd.readouterr().err
    # Called again, the loss that counts from 7 sends nothing.
    resumed = {**options, **folders, "resume": True, "loss": sending([1] * 7)}
    hippocampus.run("train", resumed)
    straight = tmp_path / "straight"
    again = {"output_dir": str(straight), "ckpt_dir": str(straight)}
    hippocampus.run("train", {**options, **again, "loss": sending([1] * 7)})
    for name, value in weights(straight).items():
        assert torch.equal(weights(tmp_path)[name], value)


def test_interrupted_inference_keeps_whole_masks(hippocampus, tmp_path):
    calls = []

    def activate(data):
        calls.append(1)
        signal.raise_signal(signal.SIGINT)
        return data

    images = hippocampus.phantom / "imagesTr"
    options = {"dataset_dir": str(images), "output_dir": str(tmp_path), "skip_module": "plain"}
    untrained = {"load_pretrain": False, "postprocessing#transforms#0": activate}
    with pytest.raises(KeyboardInterrupt):
        hippocampus.run("inference", {**options, **untrained})
    assert len(calls) == 1
    (mask,) = (path for path in tmp_path.iterdir() if path.name != LOCK_NAME)
    assert mask.name.endswith("_seg.nii.gz")
