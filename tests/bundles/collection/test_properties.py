"""MONAI Label and MonaiAlgo use a bundle in more ways than reading its properties."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("stage", ["search", "train"])
def test_trainer_can_be_given_other_epochs_and_data(hippocampus, stage, tmp_path):
    """As MonaiAlgo and MONAI Label do it."""
    options = {"output_dir": str(tmp_path), "folds_file": str(tmp_path / "folds.json")}
    if stage == "train":
        options |= {"skip_module": "plain", "ckpt_dir": str(tmp_path)}
    workflow = hippocampus.workflow(stage, options, kind="train")
    workflow.initialize()
    data = workflow.train_dataset_data[:2]
    workflow.max_epochs = 7
    workflow.train_dataset_data = data
    workflow.initialize()
    assert workflow.trainer.state.max_epochs == 7
    assert workflow.train_dataset.data == data
