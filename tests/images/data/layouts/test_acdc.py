from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset


def make_patient(root: Path, number: int, frames: tuple[int, ...] = (1, 12)) -> Path:
    name = f"patient{number:03d}"
    folder = root / name
    folder.mkdir(parents=True)
    for frame in frames:
        (folder / f"{name}_frame{frame:02d}.nii.gz").touch()
        (folder / f"{name}_frame{frame:02d}_gt.nii.gz").touch()
    return folder


@pytest.mark.parametrize("start", ["", "training"])
def test_reads_from_the_dataset_or_its_training_folder(tmp_path: Path, start: str) -> None:
    make_patient(tmp_path / "training", 2, (4, 11))
    make_patient(tmp_path / "training", 1)
    cases = read_dataset(tmp_path / start, layout="acdc")
    assert [(case.patient, case.name) for case in cases] == [
        ("patient001", "patient001_frame01"),
        ("patient001", "patient001_frame12"),
        ("patient002", "patient002_frame04"),
        ("patient002", "patient002_frame11"),
    ]
    for case in cases:
        assert case.image.name == f"{case.name}.nii.gz"
        assert case.label is not None
        assert case.label.name == f"{case.name}_gt.nii.gz"


@pytest.mark.parametrize(
    "extra",
    ["patient001_4d.nii.gz", "Info.cfg", "._patient001_frame01.nii.gz", "MANDATORY_CITATION.md"],
)
def test_other_files_are_ignored(tmp_path: Path, extra: str) -> None:
    (make_patient(tmp_path, 1) / extra).touch()
    assert len(read_dataset(tmp_path, layout="acdc")) == 2


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    first = make_patient(tmp_path, 1)
    (first / "patient001_frame01_gt.nii.gz").unlink()
    second = make_patient(tmp_path, 2)
    (second / "patient002_frame12.nii.gz").unlink()
    (second / "patient009_frame01.nii.gz").touch()
    (tmp_path / "patient003").mkdir()
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path, layout="acdc")
    found = [(Path(fault.where).name, fault.problem) for fault in caught.value.faults]
    # Files of no bytes, which make up the rest, come after them.
    assert found[:4] == [
        ("patient001_frame01.nii.gz", "has no ground truth patient001_frame01_gt.nii.gz"),
        ("patient002_frame12_gt.nii.gz", "has no image patient002_frame12.nii.gz"),
        ("patient009_frame01.nii.gz", "lies in the folder of patient002"),
        ("patient003", "holds no frame (patient003_frameNN.nii.gz)"),
    ]
    assert all(fault.remedy for fault in caught.value.faults)
