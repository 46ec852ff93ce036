"""What MONAI Label, Deploy and MonaiAlgo ask of a bundle."""

from __future__ import annotations

import pytest

KINDS = {"search": "train", "train": "train", "inference": "infer"}


@pytest.mark.parametrize("stage", KINDS)
def test_no_property_is_missing(tiny, stage, tmp_path):
    options = {"output_dir": str(tmp_path / "out"), "folds_file": str(tmp_path / "folds.json")}
    if stage == "inference":
        images = "training/patient001" if tiny.layout == "acdc" else "imagesTr"
        options = {"output_dir": str(tmp_path / "out"), "genotype_path": "null"}
        options["dataset_dir"] = str(tiny.phantom / images)
    if stage == "train":
        options |= {"genotype_path": "null", "ckpt_dir": str(tmp_path / "models")}
    workflow = tiny.workflow(stage, options, kind=KINDS[stage])
    workflow.initialize()
    assert workflow.check_properties() == []
    # The names by which applications override a run reach the config.
    assert workflow.bundle_root.endswith(f"{tiny.dataset}_unet_iac_segmentation_{stage}")
    assert str(workflow.device) in ("cpu", "cuda:0")
    assert workflow.version == "0.1.0"


@pytest.mark.parametrize("stage", ["search", "train"])
def test_trainer_can_be_given_other_epochs_and_data(hippocampus, stage, tmp_path):
    """As MonaiAlgo and MONAI Label do it."""
    options = {"output_dir": str(tmp_path), "folds_file": str(tmp_path / "folds.json")}
    if stage == "train":
        options |= {"genotype_path": "null", "ckpt_dir": str(tmp_path)}
    workflow = hippocampus.workflow(stage, options, kind="train")
    workflow.initialize()
    data = workflow.train_dataset_data[:2]
    workflow.max_epochs = 7
    workflow.train_dataset_data = data
    workflow.initialize()
    assert workflow.trainer.state.max_epochs == 7
    assert workflow.train_dataset.data == data
