"""Label maps are named after the case."""

from __future__ import annotations

import pytest
from monai.transforms import SaveImage

from iac_components.data import CaseNames


@pytest.mark.parametrize(
    ("file", "num_channels", "case"),
    [
        ("/data/BraTS-GLI-00004-000-t2f.nii.gz", 4, "BraTS-GLI-00004-000"),
        ("/data/BraTS2021_00000_flair.nii.gz", 4, "BraTS2021_00000"),
        ("/data/case_0000.nii.gz", 2, "case"),
        # One channel: the file's name is the case's, but for nnU-Net's number.
        ("/data/case_0000.nii.gz", 1, "case"),
        ("/data/case_0001.nii.gz", 1, "case_0001"),
        ("/data/case.png", 3, "case"),
        ("/data/x.y_flair.nii", 1, "x.y_flair"),
        ("/data/four_d.nii.gz", 4, "four_d"),
        ("/data/Case_1.NII.GZ", 1, "Case_1"),
        ("/data/x.y.Nii", 1, "x.y"),
        ("/data/case_0000.Nii.gz", 2, "case"),
    ],
)
def test_name_is_that_of_the_case(file, num_channels, case):
    parts = CaseNames(num_channels)({"filename_or_obj": file}, SaveImage())
    assert parts["subject"] == f"/data/{case}.nii.gz"
    assert parts["idx"] is None
