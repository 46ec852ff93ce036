from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import LoadImage

from iac_components.data import DatalistEntry, DatasetError, check_datalist, check_split

SHAPE = (8, 9, 5)
AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
NAMES = ("flair", "t1", "t1ce", "t2")


def write(path: Path | str, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def grey(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A sound case of four channels; tests spoil single files."""
    paths = {name: tmp_path / f"{name}.nii.gz" for name in (*NAMES, "seg")}
    for name in NAMES:
        write(paths[name], grey())
    label = np.zeros(SHAPE, np.uint8)
    label[2:4, 2:4, 2] = 1
    write(paths["seg"], label)
    return paths


def entry_of(files: dict[str, Path], case: str = "a") -> DatalistEntry:
    images = [str(files[name]) for name in NAMES]
    return {"image": images, "label": str(files["seg"]), "patient": case, "case": case}


def faults_of(entries: list[DatalistEntry], num_channels: int = 4) -> list[tuple[str, str]]:
    with pytest.raises(DatasetError) as caught:
        check_datalist(entries, labels=[1], num_channels=num_channels)
    assert all(fault.remedy.endswith(".") for fault in caught.value.faults)
    return [(Path(fault.where).name, fault.problem) for fault in caught.value.faults]


def moved(distance: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[0, 3] = distance
    return affine


def test_sound_files_pass_as_a_list_and_in_one(files: dict[str, Path], tmp_path: Path) -> None:
    check_datalist([entry_of(files)], labels=[1], num_channels=4)
    write(tmp_path / "all.nii", grey((*SHAPE, 4)))
    whole = str(tmp_path / "all.nii")
    for image in (whole, [whole]):
        check_datalist([{**entry_of(files), "image": image}], labels=[1], num_channels=4)


def test_any_number_of_channels_passes_where_none_is_expected(
    files: dict[str, Path], tmp_path: Path
) -> None:
    entry = entry_of(files)
    write(tmp_path / "all.nii", grey((*SHAPE, 4)))
    for image in (entry["image"], entry["image"][:2], entry["image"][0], str(tmp_path / "all.nii")):
        check_datalist([{**entry, "image": image}], labels=[1], num_channels=None)
    check_datalist([{"image": [str(files["t1"])]}], labels=[1])


@pytest.mark.parametrize(
    ("name", "voxels", "affine", "problem"),
    [
        (
            "t2",
            grey((8, 9, 6)),
            AFFINE,
            "has shape (8, 9, 6), the channel in 'flair.nii.gz' (8, 9, 5)",
        ),
        ("t1", grey(), moved(3), "lies up to 3 mm away from the channel in 'flair.nii.gz'"),
        # Far below what a label may differ by, but LoadImaged does not stack it.
        ("t1", grey(), moved(1e-3), "lies up to 0.001 mm away from the channel in 'flair.nii.gz'"),
        (
            "t1ce",
            grey((*SHAPE, 4)),
            AFFINE,
            "has 4 channels or frames (shape (8, 9, 5, 4)), expected 1",
        ),
        ("t1", grey((*SHAPE, 1)), AFFINE, "is 4-D, the channel in 'flair.nii.gz' 3-D"),
        ("flair", grey() * 0, AFFINE, "is constant"),
        ("seg", np.ones((8, 9, 6), np.uint8), AFFINE, "has shape (8, 9, 6), its image (8, 9, 5)"),
        ("seg", np.ones(SHAPE, np.uint8), moved(3), "lies up to 3 mm away from its image"),
    ],
)
def test_each_fault_names_its_own_file(
    files: dict[str, Path], name: str, voxels: np.ndarray, affine: np.ndarray, problem: str
) -> None:
    write(files[name], voxels, affine)
    found = faults_of([entry_of(files)])
    assert {file for file, _ in found} == {f"{name}.nii.gz"}
    assert any(text.startswith(problem) for _, text in found)


def test_faults_of_all_channels_come_at_once(files: dict[str, Path]) -> None:
    files["flair"].unlink()
    files["t1"].write_bytes(b"")
    nan = grey()
    nan[0, 0, 0] = np.nan
    write(files["t2"], nan, moved(5))
    assert faults_of([entry_of(files)]) == [
        ("flair.nii.gz", "does not exist"),
        ("t1.nii.gz", "is empty (0 bytes)"),
        ("t2.nii.gz", "has 1 NaN or infinite voxel(s)"),
        (
            "t2.nii.gz",
            "lies up to 5 mm away from the channel in 't1ce.nii.gz' (the affines differ)",
        ),
    ]


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("shape", [SHAPE, (8, 9, 6)])
def test_what_passes_can_be_stacked_and_what_does_not_cannot(
    files: dict[str, Path], distance: float, shape: tuple[int, ...]
) -> None:
    write(files["t2"], grey(shape), moved(distance))
    images = [str(files[name]) for name in NAMES]
    try:
        check_datalist([{"image": images}], labels=[1], num_channels=4)
    except DatasetError:
        with pytest.raises(RuntimeError):
            LoadImage()(images)
    else:
        assert LoadImage()(images).shape == (4, *SHAPE)


@pytest.mark.parametrize("num_channels", [1, 3])
def test_number_of_files_is_compared(files: dict[str, Path], num_channels: int) -> None:
    assert faults_of([entry_of(files)], num_channels) == [
        (
            "flair.nii.gz",
            f"begins a list of 4 image files (a file a channel), expected {num_channels}",
        )
    ]


def test_a_single_file_of_a_list_needs_all_channels(files: dict[str, Path]) -> None:
    found = faults_of([{**entry_of(files), "image": [str(files["t1"])]}])
    assert found == [("t1.nii.gz", "has 1 channel, expected 4")]


def test_several_label_files_are_refused(files: dict[str, Path]) -> None:
    found = faults_of([{**entry_of(files), "label": [str(files["seg"]), str(files["t1"])]}])
    assert (
        "seg.nii.gz",
        "begins a list of 2 label files (a file a channel), expected 1",
    ) in found


def test_an_empty_list_is_a_missing_image(files: dict[str, Path]) -> None:
    assert faults_of([{**entry_of(files), "image": []}]) == [
        ("entry 0", "has no 'image' in the datalist")
    ]


def test_one_file_for_two_channels_and_for_two_entries(
    files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "link.nii.gz").symlink_to(files["flair"])
    twice = entry_of({**files, "t2": tmp_path / "link.nii.gz"})
    assert faults_of([twice]) == [("link.nii.gz", "is channel 0 and 3 of entry 0")]
    again: DatalistEntry = {"image": [str(files["t1"])] * 1, "label": str(tmp_path / "b.nii")}
    write(tmp_path / "b.nii", np.ones(SHAPE, np.uint8))
    assert ("t1.nii.gz", "is the image of entries 0 and 1 of the datalist") in faults_of(
        [entry_of(files), again]
    )


def test_a_channel_in_two_parts_is_refused() -> None:
    train: DatalistEntry = {"patient": "p", "image": ["1.nii", "2.nii"]}
    test: DatalistEntry = {"patient": "q", "image": ["3.nii", "./2.nii"]}
    with pytest.raises(DatasetError, match=r"image '.*2\.nii'\n  - is in both 'train' and 'test'"):
        check_split({"train": [train], "test": [test]})
    check_split({"train": [train], "test": [{**test, "image": ["3.nii", "4.nii"]}]})
