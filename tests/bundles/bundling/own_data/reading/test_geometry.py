"""Headers are read in one order of axes; every bad one is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.bundling.own_data.reading.geometry import array_axes, read_geometry
from iac_components.data import DatasetError
from iac_components.data.case import Case


def save(path: Path, voxels, affine=None) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
    return path


def test_headers_are_read_in_the_order_of_ras(tmp_path):
    affine = np.zeros((4, 4))
    affine[[2, 0, 1], [0, 1, 2]] = (-3, 1, -2)  # the array's axes run inferior, right, posterior
    affine[3, 3] = 1
    path = save(tmp_path / "a.nii.gz", np.zeros((4, 5, 6, 2), dtype=np.uint8), affine)
    read = read_geometry([Case("p", "a", path, None)], channel_names=None)
    assert read.spacing.tolist() == [[1, 2, 3]]
    assert read.size.tolist() == [[5, 6, 4]]
    assert read.num_channels == 2
    assert array_axes(affine) == [1, 2, 0]


def test_every_bad_header_is_named(tmp_path):
    good = np.zeros((4, 4, 4), dtype=np.uint8)
    bad = np.diag([1.0, np.nan, 1, 1])
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    paths = [
        save(tmp_path / "good.nii.gz", good),
        save(tmp_path / "four.nii.gz", np.zeros((4, 4, 4, 4), dtype=np.uint8)),
        save(tmp_path / "line.nii.gz", good[0, 0]),
        tmp_path / "broken.nii.gz",
    ]
    cases = [Case(path.name, path.name, path, None) for path in paths]
    with pytest.raises(DatasetError) as error:
        read_geometry(cases, channel_names=("CT",))
    assert [Path(fault.where).name for fault in error.value.faults] == [
        "four.nii.gz",
        "line.nii.gz",
        "broken.nii.gz",
    ]
    assert "4 channel(s)" in error.value.faults[0].problem
    remedies = [fault.remedy for fault in error.value.faults]
    assert ["Download" in remedy for remedy in remedies] == [False, False, True]
    assert array_axes(bad) is None
    assert array_axes(np.diag([1.0, 0, 1, 1])) is None


def test_files_of_a_case_are_channels(tmp_path):
    files = tuple(save(tmp_path / f"a{n}.nii.gz", np.zeros((4, 5, 6), "u1")) for n in range(3))
    assert read_geometry([Case("p", "a", files, None)], channel_names=None).num_channels == 3
