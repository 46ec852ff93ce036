"""A data set's parts, and the recipe that follows from its headers."""

from __future__ import annotations

import json
from functools import partial

import nibabel
import numpy as np
import pytest
import torch
from api_project import unet
from monai.losses import DiceCELoss
from monai.transforms import ScaleIntensityRanged

import iac_components as iac
from iac_components.interface.api.inputs.geometry import Geometry, count_channels, read_geometry
from iac_components.interface.api.runs.plain import digest_of_tensors, plain, structure_of
from iac_components.phantoms import write_phantom


def patients(part):
    return {entry["patient"] for entry in part.entries}


def test_parts_share_no_patient(data):
    parts = [data.train, data.validation, data.test]
    assert sum(map(len, map(patients, parts))) == len(set().union(*map(patients, parts)))
    assert patients(data.weights) | patients(data.architecture) == patients(data.train)
    assert not patients(data.weights) & patients(data.architecture)
    assert data.train.origin["dataset_name"] == "Task04_Hippocampus"


def test_folds_are_those_of_the_file(phantom, data, tmp_path):
    file = tmp_path / "folds.json"
    first = iac.load_dataset(phantom, layout="decathlon", folds_file=file, split_seed=5)
    again = iac.load_dataset(phantom, layout="decathlon", folds_file=file, split_seed=5)
    assert first.test.entries == again.test.entries
    assert patients(iac.load_dataset(phantom, layout="decathlon", fold=1).test) != patients(
        data.test
    )


def test_volumes_get_patches_and_slices_a_field_of_view(data, volumes):
    assert data.recipe.field_of_view == (32, 32, -1)
    assert data.recipe.pixdim == (1, 1, -1)
    assert (volumes.recipe.field_of_view, volumes.recipe.pixdim) == (None, (1, 1, 1))
    assert volumes.recipe.patch_size == (32, 32, 32)


def test_what_is_given_stands(phantom):
    window = ScaleIntensityRanged("image", 0, 1, 0, 1, clip=True)
    recipe = iac.load_dataset(
        phantom,
        layout="decathlon",
        class_names=["head", "tail"],
        patch_size=[16, 32],
        pixdim=[2, 2, -1],
        plane="coronal",
        voxel_values=window,
    ).recipe
    assert recipe.class_names == ("head", "tail")
    assert recipe.patch_size == (16, 32)
    assert recipe.pixdim == (2, 2, -1)
    assert recipe.scaling is window
    assert recipe.flips == (0.5, 0)


@pytest.mark.parametrize(
    ("names", "plane", "flips"),
    [
        (("a",), "axial", (0.5, 0)),
        (("a",), "sagittal", (0, 0)),
        (("Left lung", "b"), "axial", (0, 0)),
    ],
)
def test_only_sides_that_look_alike_are_mirrored(names, plane, flips):
    recipe = iac.Recipe(names, 1, (1, 1, -1), (32, 32), (32, 32, -1), plane=plane)
    assert recipe.flips == flips


@pytest.mark.parametrize("layout", ["acdc", "brats", "kits", "amos"])
@pytest.mark.filterwarnings("ignore")
def test_every_layout_is_read(layout, tmp_path):
    shape = {"acdc": (40, 48), "kits": (6, 32, 32)}.get(layout, (32, 32, 6))
    write_phantom(tmp_path / layout, layout=layout, num_patients=6, shape=shape)
    data = iac.load_dataset(tmp_path / layout, layout=layout, voxel_size_range=None)
    assert data.recipe.in_channels == (4 if layout == "brats" else 1)
    assert data.recipe.out_channels == {"amos": 16}.get(layout, 4)


def test_geometry_follows_the_plane_however_the_array_lies(tmp_path):
    affine = np.array([[0, 0, 3, 0], [-1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]], float)
    path = tmp_path / "image.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((10, 20, 30), np.uint8), affine), path)
    entry = {"image": str(path)}
    for plane, spacing, size in (
        ("axial", [3, 1, 2], [30, 10, 20]),
        ("coronal", [3, 2, 1], [30, 20, 10]),
        ("sagittal", [1, 2, 3], [10, 20, 30]),
    ):
        found = read_geometry([entry], plane=plane)
        assert found.spacing[0].tolist() == spacing
        assert found.size[0].tolist() == size
    assert count_channels(entry) == 1
    assert count_channels({"image": ["a", "b"]}) == 2


def test_extent_is_a_multiple_that_the_network_can_halve():
    geometry = Geometry(np.ones((20, 3)), np.full((20, 3), 64.0000001))
    assert geometry.extent((1, 2, -1), percentile=95, divisor=16) == [64, 32, 64]


def test_settings_of_objects_become_plain():
    first, second = (ScaleIntensityRanged("image", 0, high, 0, 1) for high in (1, 2))
    assert plain(first) != plain(second)
    assert plain(first) == plain(ScaleIntensityRanged("image", 0, 1, 0, 1))
    assert plain({"a": (1, None)}) == {"a": [1, None]}
    assert plain(partial(sorted, reverse=True)) != plain(partial(sorted, reverse=False))
    assert plain(np.arange(2)) == plain(torch.arange(2)) == [0, 1]
    json.dumps(plain([first, DiceCELoss(), torch.nn.functional.relu, np.float32(1)]))


def test_structure_tells_networks_apart_and_not_their_weights():
    first, second = unet(), unet()
    torch.nn.init.zeros_(next(second.parameters()))
    assert structure_of(first) == structure_of(second)
    assert structure_of(DiceCELoss(softmax=True)) != structure_of(DiceCELoss(sigmoid=True))
    assert structure_of(unet(3)) != structure_of(unet(2))
    assert digest_of_tensors(first.parameters()) != digest_of_tensors(second.parameters())
    assert digest_of_tensors([]) is None
