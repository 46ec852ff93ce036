"""Endings of every spelling, in every layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset
from iac_components.data.faults import Fault
from iac_components.data.layouts.nifti_files import NiftiFiles, files_by_stem

ENDINGS = (".NII.GZ", ".nii.GZ", ".Nii.gz", ".nii", ".NII", ".Nii")


@pytest.mark.parametrize("layout", ["acdc", "amos", "brats", "decathlon", "kits"])
def test_every_layout_reads_every_ending(
    phantoms: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(phantoms[layout], folder)
    for number, path in enumerate(sorted(folder.rglob("*.nii.gz"))):
        path.rename(path.with_name(path.name[: -len(".nii.gz")] + ENDINGS[number % len(ENDINGS)]))
    expected = read_dataset(phantoms[layout], layout=layout)
    cases = read_dataset(folder, layout=layout)
    assert [(c.patient, c.name) for c in cases] == [(c.patient, c.name) for c in expected]
    for case in cases:
        images = [case.image] if isinstance(case.image, Path) else case.image
        assert all(path.is_file() for path in (*images, case.label))


@pytest.mark.parametrize("layout", ["acdc", "brats", "decathlon", "kits"])
def test_two_endings_of_one_file_are_named_unless_one_is_asked_for(
    phantoms: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(phantoms[layout], folder)
    case = read_dataset(folder, layout=layout)[0]
    image = case.image if isinstance(case.image, Path) else case.image[0]
    stem = image.name[: -len(".nii.gz")]
    for ending in (".nii", ".NII.GZ"):
        shutil.copy(image, image.with_name(stem + ending))
    # The description, or the layout itself, names the file.
    assert read_dataset(folder, layout=layout)[0] == case
    image.unlink()
    with pytest.raises(DatasetError, match="is there a second time as") as caught:
        read_dataset(folder, layout=layout)
    assert f"{stem}.NII.GZ" in str(caught.value)
    assert f"{stem}.nii" in str(caught.value)


def test_files_are_found_by_name_else_by_stem(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a.NII", "b.Nii.Gz", "._b.nii", "b.txt"):
        (tmp_path / name).touch()
    files = NiftiFiles()
    assert files.find(tmp_path / "a.NII") == tmp_path / "a.NII"
    assert files.find(tmp_path / "b.nii") == tmp_path / "b.Nii.Gz"
    assert files.find(tmp_path / "c.nii") == tmp_path / "c.nii"
    assert isinstance(files.find(tmp_path / "a.nii"), Fault)
    assert files_by_stem(tmp_path / "absent") == {}


def test_a_folder_of_that_name_is_no_second_file(tmp_path: Path) -> None:
    (tmp_path / "a.nii").mkdir()
    assert files_by_stem(tmp_path) == {"a": [tmp_path / "a.nii"]}
    (tmp_path / "a.NII.GZ").touch()
    assert files_by_stem(tmp_path) == {"a": [tmp_path / "a.NII.GZ"]}
