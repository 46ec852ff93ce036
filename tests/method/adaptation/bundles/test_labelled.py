"""A site's files at fault, which must not become labels that lie elsewhere than their image."""

from __future__ import annotations

import logging
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from zoo_bundle import write_pairs, write_zoo_bundle

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
