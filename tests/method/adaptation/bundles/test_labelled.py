"""A site's files at fault, which must not become labels that lie elsewhere than their image."""

from __future__ import annotations

import json
import logging
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.networks.nets import UNet
from PIL import Image
from zoo_bundle import SETTINGS, write_pairs, write_zoo_bundle

from iac_components.adaptation.bundles.labelled import find_cases, prepare_cases
from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.data import DatasetError


@pytest.fixture
def bundle(tmp_path):
    return read_bundle(write_zoo_bundle(tmp_path / "zoo"))


@pytest.fixture
def site(tmp_path):
    return write_pairs(tmp_path / "site", 2)


def rewrite(file, change):
    image = nib.load(file)
    nib.save(nib.Nifti1Image(*change(np.asanyarray(image.dataobj), image.affine)), file)


@pytest.mark.parametrize(
    ("role", "change", "message"),
    [
        ("labels", lambda v, a: (v, np.eye(4)), "lies up to .* mm away from its image"),
        ("labels", lambda v, a: (v[:-2], a), r"has shape \(18, 20, 20\), its image \(20, 20, 20\)"),
        (
            "labels",
            lambda v, a: (np.stack([v == n for n in range(3)], -1).astype("uint8"), a),
            "expected a 3-D label map",
        ),
        ("labels", lambda v, a: (0.7 * v, a), "non-integer label values"),
        ("labels", lambda v, a: (v + 2, a), "unexpected label values 3, 4"),
        ("images", lambda v, a: (np.where(v > 1, np.nan, v), a), r"NaN or infinite voxel\(s\)"),
        ("images", lambda v, a: (0 * v + 7, a), "is constant"),
    ],
)
def test_a_file_at_fault_is_named(bundle, site, role, change, message):
    file = site / role / "case_1.nii.gz"
    rewrite(file, change)
    with pytest.raises(DatasetError, match=message) as caught:
        prepare_cases(bundle, find_cases(site))
    assert [fault.where for fault in caught.value.faults] == [str(file)]


@pytest.mark.parametrize(
    ("shape", "message"),
    [((18, 24), "has shape"), ((20, 24, 3), "expected a 3-D label map")],
)
def test_a_picture_of_a_label_has_its_images_size_and_one_channel(bundle, tmp_path, shape, message):
    site = tmp_path / "pictures"
    for role, sizes in (("images", (20, 24)), ("labels", shape)):
        (site / role).mkdir(parents=True)
        values = np.arange(np.prod(sizes), dtype=np.uint8).reshape(sizes) % 3
        Image.fromarray(values).save(site / role / "a.png")
    with pytest.raises(DatasetError, match=message):
        prepare_cases(bundle, find_cases(site))


def test_a_copy_under_another_name_is_told(bundle, site, caplog):
    for role in ("images", "labels"):
        shutil.copy(site / role / "case_0.nii.gz", site / role / "copy.nii.gz")
    with caplog.at_level(logging.WARNING):
        prepare_cases(bundle, find_cases(site))
    assert "the same voxels as another patient's" in caplog.text


@pytest.mark.parametrize("reader", ["NibabelReader", "iac_components.data.NiftiReader"])
def test_a_label_follows_its_image_where_the_qform_says_otherwise(tmp_path, site, reader):
    root = write_zoo_bundle(tmp_path / "zoo")
    file = root / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content["preprocessing"]["transforms"][0]["reader"] = reader
    file.write_text(json.dumps(content))
    bundle = read_bundle(root)
    sound = prepare_cases(bundle, find_cases(site))[1]
    for role in ("images", "labels"):
        file = site / role / "case_1.nii.gz"
        stored = nib.load(file)
        made = nib.Nifti1Image(np.asanyarray(stored.dataobj), None)
        # MONAI's reader takes the qform where the sform's voxel sizes are not pixdim.
        made.header.set_sform(np.diag([-0.8, 0.8, 1.6, 1.0]), code=1)
        made.header.set_qform(stored.affine, code=1)
        nib.save(made, file)
    found = prepare_cases(bundle, find_cases(site))[1]
    assert torch.equal(found.image, sound.image)
    assert torch.equal(found.label, sound.label)


def test_a_slice_is_read_by_a_bundle_of_slices(tmp_path):
    write_zoo_bundle(tmp_path / "zoo")
    file = tmp_path / "zoo" / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content["network_def"]["spatial_dims"] = 2
    content["inferer"]["roi_size"] = [16, 16]
    del content["preprocessing"]["transforms"][2]
    file.write_text(json.dumps(content))
    torch.save(
        UNet(**{**SETTINGS, "spatial_dims": 2}).state_dict(), tmp_path / "zoo/models/model.pt"
    )
    flat = read_bundle(tmp_path / "zoo")
    values = np.arange(20 * 24, dtype=np.uint8).reshape(20, 24) % 3
    for role in ("images", "labels"):
        for kind in ("pictures", "slices"):
            (tmp_path / kind / role).mkdir(parents=True)
        Image.fromarray(values.T).save(tmp_path / "pictures" / role / "a.png")
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "slices" / role / "a.nii.gz")
    for kind in ("pictures", "slices"):
        (case,) = prepare_cases(flat, find_cases(tmp_path / kind))
        assert case.image.shape == (1, 20, 24)
        assert np.array_equal(case.label.numpy(), values)


def test_labels_that_rounding_left_near_an_integer_are_that_integer(bundle, site):
    sound = prepare_cases(bundle, find_cases(site))[1]
    rewrite(site / "labels" / "case_1.nii.gz", lambda v, a: (np.float32(0.99999994) * v, a))
    assert torch.equal(prepare_cases(bundle, find_cases(site))[1].label, sound.label)
