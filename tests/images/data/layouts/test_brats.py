from __future__ import annotations

from pathlib import Path

import pytest
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from iac_components.data import DatasetError, read_dataset

ENDINGS = {
    "BraTS2021_": ("_flair", "_t1", "_t1ce", "_t2", "_seg"),
    "BraTS-GLI-": ("-t2f", "-t1n", "-t1c", "-t2w", "-seg"),
}


def make_case(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for ending in ENDINGS[name[:10]]:
        (folder / f"{name}{ending}.nii.gz").touch()
    return folder


def read(folder: Path) -> list[tuple[str, str]]:
    return [(case.patient, case.name) for case in read_dataset(folder, layout="brats")]


@pytest.mark.parametrize("start", ["", "TrainingData"])
def test_reads_from_the_cases_folder_or_one_above(tmp_path: Path, start: str) -> None:
    make_case(tmp_path / "TrainingData", "BraTS2021_00002")
    make_case(tmp_path / "TrainingData", "BraTS2021_00000")
    (tmp_path / "Mapping").mkdir()
    cases = read_dataset(tmp_path / start, layout="brats")
    assert [case.name for case in cases] == ["BraTS2021_00000", "BraTS2021_00002"]
    for case in cases:
        assert [file.name for file in case.image] == [
            f"{case.name}{ending}.nii.gz" for ending in ("_flair", "_t1", "_t1ce", "_t2")
        ]
        assert case.label.name == f"{case.name}_seg.nii.gz"


def test_time_points_are_cases_of_one_patient(tmp_path: Path) -> None:
    for name in ("BraTS-GLI-00005-001", "BraTS-GLI-00005-000", "BraTS-GLI-00000-000"):
        make_case(tmp_path, name)
    assert read(tmp_path) == [
        ("BraTS-GLI-00000", "BraTS-GLI-00000-000"),
        ("BraTS-GLI-00005", "BraTS-GLI-00005-000"),
        ("BraTS-GLI-00005", "BraTS-GLI-00005-001"),
    ]


def test_both_years_have_the_same_channels(tmp_path: Path) -> None:
    make_case(tmp_path, "BraTS2021_00000")
    make_case(tmp_path, "BraTS-GLI-00000-000")
    new, old = read_dataset(tmp_path, layout="brats")
    assert [file.name.split(".")[0].rsplit("-")[-1] for file in new.image] == [
        "t2f",
        "t1n",
        "t1c",
        "t2w",
    ]
    assert [file.name.split(".")[0].rsplit("_")[-1] for file in old.image] == [
        "flair",
        "t1",
        "t1ce",
        "t2",
    ]


@pytest.mark.parametrize("extra", ["BraTS-MEN-00000-000", "BraTS2021_1", "._BraTS2021_00001"])
def test_other_folders_are_ignored(tmp_path: Path, extra: str) -> None:
    make_case(tmp_path, "BraTS2021_00000")
    (tmp_path / extra).mkdir()
    assert len(read(tmp_path)) == 1


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    make_case(tmp_path, "BraTS-GLI-00001-000")
    for name, *endings in (
        ("BraTS2021_00000", "_t1", "_seg"),
        ("BraTS-GLI-00000-000", "-t2f"),
        ("BraTS2021_00003", "_flair", "_t1", "_t1ce", "_t2", "_seg"),
    ):
        folder = make_case(tmp_path, name)
        for ending in endings:
            (folder / f"{name}{ending}.nii.gz").unlink()
    with pytest.raises(DatasetError) as caught:
        read(tmp_path)
    found = {Path(fault.where).name: fault.problem for fault in caught.value.faults}
    # Files of no bytes, which make up the rest, come after them.
    assert list(found)[:3] == ["BraTS-GLI-00000-000", "BraTS2021_00000", "BraTS2021_00003"]
    assert found["BraTS-GLI-00000-000"].startswith("lacks BraTS-GLI-00000-000-t2f.nii.gz (found ")
    assert found["BraTS2021_00000"] == (
        "lacks BraTS2021_00000_t1.nii.gz, BraTS2021_00000_seg.nii.gz (found "
        "BraTS2021_00000_flair.nii.gz, BraTS2021_00000_t1ce.nii.gz, BraTS2021_00000_t2.nii.gz)"
    )
    assert found["BraTS2021_00003"].endswith("(found nothing)")


def test_validation_data_without_labels_are_told(tmp_path: Path) -> None:
    for number in range(2):
        folder = make_case(tmp_path, f"BraTS2021_{number:05d}")
        (folder / f"{folder.name}_seg.nii.gz").unlink()
    with pytest.raises(DatasetError, match=r"none of its 2 case\(s\) has a label.*training data"):
        read(tmp_path)


def test_several_folders_of_cases_are_refused(tmp_path: Path) -> None:
    make_case(tmp_path / "a", "BraTS2021_00000")
    make_case(tmp_path / "b", "BraTS2021_00001")
    with pytest.raises(DatasetError, match=r"found several: a, b\. Pass one of them"):
        read(tmp_path)


@pytest.mark.parametrize("phantom", ["brats", "brats2021"])
def test_monai_stacks_the_files_into_channels(phantoms: dict[str, Path], phantom: str) -> None:
    case = read_dataset(phantoms[phantom], layout="brats")[0]
    load = Compose([LoadImaged(["image", "label"]), EnsureChannelFirstd(["image", "label"])])
    item = load(case.entry())
    assert item["image"].shape == (4, 32, 32, 6)
    assert item["label"].shape == (1, 32, 32, 6)
    for channel, file in zip(item["image"], case.image, strict=True):
        assert (channel == load({"image": str(file), "label": str(file)})["image"][0]).all()
