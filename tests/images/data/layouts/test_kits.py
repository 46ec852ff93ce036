from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset


def make_case(root: Path, number: int, *names: str) -> Path:
    folder = root / f"case_{number:05d}"
    (folder / "instances").mkdir(parents=True)
    for name in names or ("imaging", "segmentation"):
        (folder / f"{name}.nii.gz").touch()
    return folder


@pytest.mark.parametrize("start", ["", "dataset"])
def test_reads_from_the_repository_or_its_dataset_folder(tmp_path: Path, start: str) -> None:
    for number in (400, 2):
        make_case(tmp_path / "dataset", number)
    (tmp_path / "dataset" / "kits23.json").touch()
    (tmp_path / "dataset" / "case_1").mkdir()
    cases = read_dataset(tmp_path / start, layout="kits")
    assert [(case.patient, case.name) for case in cases] == [
        ("case_00002", "case_00002"),
        ("case_00400", "case_00400"),
    ]
    root = tmp_path / "dataset" / "case_00002"
    assert (cases[0].image, cases[0].label) == (
        root / "imaging.nii.gz",
        root / "segmentation.nii.gz",
    )


def test_images_never_downloaded_are_one_fault_with_the_command(tmp_path: Path) -> None:
    for number in range(3):
        make_case(tmp_path / "dataset", number, "segmentation")
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path, layout="kits")
    assert "none of its 3 case(s) has an imaging.nii.gz" in str(caught.value)
    assert "kits23_download_data" in str(caught.value)
    assert not caught.value.faults


def test_all_incomplete_cases_are_named(tmp_path: Path) -> None:
    make_case(tmp_path, 0)
    make_case(tmp_path, 1, "segmentation")
    make_case(tmp_path, 2, "imaging")
    make_case(tmp_path, 3, "other")
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path, layout="kits")
    found = [(fault.where[-1], fault.problem, fault.remedy) for fault in caught.value.faults]
    # Files of no bytes, which make up the rest, come after them.
    assert [(case, problem) for case, problem, _ in found[:4]] == [
        ("1", "has no imaging.nii.gz"),
        ("2", "has no segmentation.nii.gz"),
        ("3", "has no imaging.nii.gz"),
        ("3", "has no segmentation.nii.gz"),
    ]
    assert "kits23_download_data" in found[0][2]
    assert "repository" in found[1][2]
