"""A train bundle segments with the weights that its training left in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import run

from iac_components.networks import load_state
from tools.maintenance.verification.methods.iac_budgets import PHANTOMS, QUICK, STEPS

NETWORK = QUICK.networks["unet"]
VIEW = PHANTOMS["hippocampus"].options


@pytest.fixture
def root(hippocampus, tmp_path: Path) -> Path:
    source = hippocampus.bundle("train").root
    ignored = shutil.ignore_patterns("eval", "models", "iac_components")
    return Path(shutil.copytree(source, tmp_path / source.name, ignore=ignored))


def segment(root: Path, images: Path, output: Path) -> list[np.ndarray]:
    config = str(root / "configs" / "inference.json")
    places = {"dataset_dir": str(images), "output_dir": str(output)}
    run(config_file=config, **places, **NETWORK, patch_size=STEPS["patch_size"])
    return [np.asarray(nibabel.load(path).dataobj) for path in sorted(output.glob("*_seg.nii.gz"))]


def test_the_newest_weights_segment(root, hippocampus, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for image in sorted((hippocampus.phantom / "imagesTr").glob("*.nii.gz"))[:2]:
        (images / image.name).symlink_to(image)
    short = {**STEPS, **NETWORK, **VIEW, "epochs": 1, "val_interval": 1}
    config = str(root / "configs" / "train.json")
    run(config_file=config, dataset_dir=str(hippocampus.phantom), **short)
    assert len(segment(root, images, tmp_path / "first")) == 2
    # Weights that show class 2 alone take the place of those that were trained.
    model = root / "models" / "model.pt"
    state = load_state(model)
    (bias,) = (key for key, value in state.items() if value.shape == (3,))
    state[bias] = torch.tensor([0.0, 0.0, 99.0])
    torch.save(state, model)
    for labels in segment(root, images, tmp_path / "second"):
        assert np.unique(labels).tolist() == [2]
