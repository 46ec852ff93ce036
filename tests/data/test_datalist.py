from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.data import DatasetError, image_datalist, load_datalist, load_folds


@pytest.mark.parametrize("layout", ["acdc", "decathlon"])
def test_parts_of_a_dataset_share_no_patient(
    phantoms: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    file = tmp_path / "folds.json"
    parts = {
        part: load_datalist(phantoms[layout], layout=layout, part=part, folds_file=file)
        for part in ("train", "validation", "test")
    }
    patients = [
        patient for entries in parts.values() for patient in {e["patient"] for e in entries}
    ]
    assert sorted(patients) == sorted(load_folds(file).patients)
    for entries in parts.values():
        for entry in entries:
            assert set(entry) == {"image", "label", "patient", "case"}
            assert all(isinstance(value, str) for value in entry.values())


def test_every_patient_is_tested_once(phantoms: dict[str, Path]) -> None:
    tested = [
        entry["case"]
        for fold in range(3)
        for entry in load_datalist(
            phantoms["acdc"], layout="acdc", part="test", fold=fold, num_folds=3, seed=7
        )
    ]
    assert len(tested) == len(set(tested)) == 12


def test_images_are_listed_by_case(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "a.nii", "ü 1.nii.gz", "._b.nii.gz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.nii.gz").touch()
    assert image_datalist(tmp_path) == [
        {"image": str(tmp_path / "a.nii"), "case": "a"},
        {"image": str(tmp_path / "b.nii.gz"), "case": "b"},
        {"image": str(tmp_path / "ü 1.nii.gz"), "case": "ü 1"},
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no .nii or .nii.gz file among 0 entries"),
        (("a.dcm", "b.dcm"), "holds no .nii or .nii.gz file among 2 entries"),
        (("a.nii", "a.nii.gz"), "has the same case name as 'a.nii'"),
    ],
)
def test_unusable_image_folder(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=message):
        image_datalist(tmp_path)


def test_missing_image_folder_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is not a folder.*--dataset_dir"):
        image_datalist(tmp_path / "absent")
