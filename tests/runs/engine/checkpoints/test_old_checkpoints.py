"""Checkpoints of version 0.4: resumed by the config they began with, refused by any other.

``written_by_0_4_2`` holds a config of version 0.4.2 and what its checkpoint recorded of the run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.engine import CheckpointError, RunRecord, check_resume
from iac_components.phantoms import write_phantom

OLD = Path(__file__).parent / "written_by_0_4_2"
NEW = Path(__file__).parents[4] / "bundles/hippocampus_unet_iac_segmentation_train/configs"
OPTIONS = {
    "steps_per_epoch": 2,
    "batch_size": 2,
    "patch_size": [32, 32],
    "field_of_view": [32, 32, -1],
    "epochs": 4,
    "val_interval": 1,
    "skip_module": "plain",
    "backbone_def#features": [8] * 6,
}
"""Those with which the checkpoint was written."""


def write_checkpoint(folder, identity=None):
    """Write a checkpoint that holds what 0.4.2 recorded of its run, or of one of this identity."""
    run = json.loads((OLD / "run.json").read_text())
    if identity is not None:
        run["identity"] = identity
    content = {"epoch": 3, "iteration": 6, "ended": False, "scaler": {}, "objects": {}}
    path = folder / "checkpoint_epoch=3.pt"
    torch.save({"format": "iac_components.checkpoint/2", "run": run, **content}, path)
    return path


@pytest.fixture
def record_of(tmp_path, monkeypatch):
    """Record the run of a config with the options of the checkpoint's run, or changed ones."""
    # The old config puts its bundle's folder there.
    monkeypatch.setattr(sys, "path", [*sys.path])
    data = write_phantom(tmp_path / "data", layout="decathlon", num_patients=5, shape=(20, 24, 16))
    places = {"bundle_root": str(tmp_path), "dataset_dir": str(data), "output_dir": str(tmp_path)}

    def record(config, **changes):
        parser = ConfigParser()
        parser.read_config(config)
        parser.update({**OPTIONS, **places, **changes})
        return parser.get_parsed_content("run_record")

    return record


def test_the_config_it_began_with_resumes_it(record_of, tmp_path):
    path = write_checkpoint(tmp_path)
    check_resume(tmp_path, record_of(OLD / "train.json"), resume=True)
    with pytest.raises(
        CheckpointError, match=r"is of another run: seed: checkpoint 0, this run 1"
    ) as error:
        check_resume(tmp_path, record_of(OLD / "train.json", seed=1), resume=True)
    assert str(path) in str(error.value)


def test_the_bundle_of_this_version_says_what_to_do(record_of, tmp_path):
    path = write_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match=r"bundle of version 0\.4") as error:
        check_resume(tmp_path, record_of(NEW / "train.json"), resume=True)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    assert all(f" {option} " in message for option in ("--resume False", "--backbone_ckpt"))


@pytest.mark.parametrize("criterion", ["stability", "floor", "audit", "both"])
def test_a_default_that_changed_matters_where_it_is_used(tmp_path, criterion):
    options = {"criterion": criterion, "audit_every": 1}
    write_checkpoint(tmp_path, RunRecord("cell search", options).identity())
    now = RunRecord("cell search", {**options, "audit_every": None})
    if criterion in ("stability", "floor"):
        check_resume(tmp_path, now, resume=True)
    else:
        with pytest.raises(CheckpointError, match="audit_every: checkpoint 1, this run null"):
            check_resume(tmp_path, now, resume=True)


def test_the_version_without_records(tmp_path):
    path = write_checkpoint(tmp_path)
    content = torch.load(path, weights_only=True)
    del content["run"]
    torch.save({**content, "format": "iac_components.checkpoint/1"}, path)
    with pytest.raises(CheckpointError, match=r"written by version 0\.4\.0 or earlier") as error:
        check_resume(tmp_path, RunRecord(), resume=True)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
