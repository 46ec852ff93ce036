"""Headers and samples of a data set of one's own: what is read, and what is reported."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from iac_components.bundling.own_data.facts import read_facts
from iac_components.bundling.own_data.geometry import array_axes, read_geometry
from iac_components.bundling.own_data.planes import (
    PLANES,
)
from iac_components.bundling.own_data.sample import look_into

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
        save(tmp_path / "flat.nii.gz", good[0]),
        tmp_path / "broken.nii.gz",
    ]
    cases = [Case(path.name, path.name, path, None) for path in paths]
    with pytest.raises(DatasetError) as error:
        read_geometry(cases, channel_names=("CT",))
    assert [Path(fault.where).name for fault in error.value.faults] == [
        "four.nii.gz",
        "flat.nii.gz",
        "broken.nii.gz",
    ]
    assert "4 channel(s)" in error.value.faults[0].problem
    assert array_axes(bad) is None
    assert array_axes(np.diag([1.0, 0, 1, 1])) is None


def sample_case(folder: Path, number: int, *, label_value: int = 1) -> Case:
    """Grey values 0 to 99 within the label, which fills slices 1 to 2 of 8 along the third axis."""
    image = np.full((10, 10, 8), 1000.0, dtype=np.float32)
    label = np.zeros(image.shape, dtype=np.uint8)
    label[:, :, 1:3] = label_value
    image[:, :, 1:3] = np.arange(100).reshape(10, 10, 1)
    name = f"case_{number:03d}"
    return Case(
        name,
        name,
        save(folder / f"{name}.nii.gz", image),
        save(folder / f"{name}_label.nii.gz", label),
    )


def test_sample_looks_within_the_labels_and_counts_filled_slices(tmp_path):
    cases = [sample_case(tmp_path, number) for number in range(3)]
    options = {"num_classes": 1, "num_channels": 1}
    sample = look_into(cases, plane=PLANES["axial"], **options)
    assert sample.filled_share == 2 / 8
    low, high = sample.window
    assert 0 <= low < 2
    assert 97 < high <= 99
    assert look_into(cases, plane=PLANES["coronal"], **options).filled_share == 1
    assert look_into(cases * 10, plane=PLANES["axial"], **options).num_cases == 20


def test_sample_reports_every_fault_of_its_files(tmp_path):
    cases = [sample_case(tmp_path, 0, label_value=5), sample_case(tmp_path, 1)]
    (tmp_path / "case_001.nii.gz").write_bytes(b"")
    with pytest.raises(DatasetError) as error:
        look_into(cases, plane=PLANES["axial"], num_classes=1, num_channels=1)
    problems = [fault.problem for fault in error.value.faults]
    assert any("unexpected label values 5" in problem for problem in problems)
    assert any("is empty" in problem for problem in problems)


def test_healthy_cases_are_looked_into_unless_there_are_no_others(tmp_path):
    healthy, other = sample_case(tmp_path, 0, label_value=0), sample_case(tmp_path, 1)
    options = {"plane": PLANES["axial"], "num_classes": 1, "num_channels": 1}
    assert look_into([healthy, other], **options).filled_share == 1 / 8
    with pytest.raises(DatasetError, match=r"None of the 1 case\(s\) .* has foreground"):
        look_into([healthy], **options)


def test_too_few_patients_are_refused(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    entries = [{"image": "imagesTr/a.nii.gz", "label": "labelsTr/a.nii.gz"}]
    for entry in entries:
        for file in entry.values():
            save(tmp_path / file, np.ones((4, 4, 4), dtype=np.uint8))
    labels = {"0": "background", "1": "a"}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels, "training": entries}))
    with pytest.raises(DatasetError, match=r"1 patient\(s\).*at least 4"):
        read_facts(tmp_path)
