"""Resampling as MONAI's own, beside entries that MONAI would take for metadata."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Spacingd

from iac_components.data import VoxelSpacingd


@pytest.fixture
def entries():
    """Entries as MONAI Label gives them: the image, its file, and the dictionary that it reads."""
    meta = {"filename_or_obj": "/studies/a.nii.gz"}
    image = MetaTensor(torch.rand(1, 8, 6, 4), affine=torch.diag(torch.tensor([2.0, 1, 1, 1])))
    image.meta.update(meta)
    return {
        "image": image,
        "image_meta_dict": {},
        "image_path": "/studies/a.nii.gz",
        "device": "cpu",
    }


def test_same_as_monai(entries):
    pixdim = {"pixdim": [1.0, 1.0, -1.0], "mode": "bilinear"}
    found = VoxelSpacingd("image", **pixdim)(dict(entries))
    alone = Spacingd("image", **pixdim)({"image": entries["image"]})["image"]
    assert torch.equal(found["image"], alone)
    assert torch.equal(found["image"].affine, alone.affine)
    assert found["image_meta_dict"]["filename_or_obj"] == "/studies/a.nii.gz"
    assert (found["image_path"], found["device"]) == ("/studies/a.nii.gz", "cpu")


def test_monai_own_still_fails(entries):
    """When this passes no more, the class is not needed any longer."""
    with pytest.raises(AttributeError, match="update"):
        Spacingd("image", pixdim=[1.0, 1.0, -1.0])(entries)


def test_it_can_be_inverted(entries):
    steps = Compose([VoxelSpacingd("image", pixdim=[1.0, 1.0, -1.0])])
    found = steps(dict(entries))
    found["pred"] = found["image"]
    back = Invertd("pred", transform=steps, orig_keys="image")(found)["pred"]
    assert back.shape == entries["image"].shape
