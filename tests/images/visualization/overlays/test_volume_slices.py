from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.visualization.overlays.volume_slices import read_slices

SHAPE = (20, 24, 9)
SPACING = (1.0, 1.5, 5.0)


def save(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    affine = np.diag([*SPACING, 1.0]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def volumes() -> tuple[np.ndarray, np.ndarray]:
    """An image with a different value in each voxel, and a label on slices 2 to 7."""
    image = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    label = np.zeros(SHAPE, dtype=np.float32)
    for index, size in ((2, 1), (3, 4), (4, 6), (5, 6), (6, 5), (7, 1)):
        label[8 : 8 + size, 10:14, index] = 1 + index % 2
    return image, label


@pytest.fixture
def paths(tmp_path: Path, volumes: tuple[np.ndarray, np.ndarray]) -> tuple[Path, Path, Path]:
    image, label = volumes
    moved = np.roll(label, 1, axis=0).astype(np.uint8)
    return (
        save(tmp_path / "image.nii.gz", image),
        save(tmp_path / "prediction.nii.gz", moved),
        save(tmp_path / "label.nii.gz", label),
    )


def test_slices_with_much_foreground_are_taken_and_cropped_alike(
    paths: tuple[Path, Path, Path], volumes: tuple[np.ndarray, np.ndarray]
) -> None:
    image, prediction, label = paths
    slices = read_slices(image, prediction, label_path=label, count=4)
    assert [part.name for part in slices] == [f"axial {i} of 9" for i in (4, 5, 6, 7)]
    assert {part.image.shape for part in slices} == {part.prediction.shape for part in slices}
    assert all(part.image.shape[0] < SHAPE[1] for part in slices)
    assert all(part.aspect == 1.5 for part in slices)
    for index, part in zip((3, 4, 5, 6), slices, strict=True):
        assert part.label is not None
        assert (part.label != 0).sum() == (volumes[1][..., index] != 0).sum()


def test_picture_does_not_depend_on_the_storage(
    tmp_path: Path, paths: tuple[Path, Path, Path]
) -> None:
    """All 48 orientations of the same voxels give the same slices."""
    expected = read_slices(paths[0], paths[1], label_path=paths[2])
    for number, (order, signs) in enumerate(
        product(permutations(range(3)), product((1, -1), repeat=3))
    ):
        transform = np.array(list(zip(order, signs, strict=True)))
        stored = []
        for path in paths:
            turned = nibabel.load(path).as_reoriented(transform)
            stored.append(tmp_path / f"{number}_{path.name}")
            nibabel.save(turned, stored[-1])
        found = read_slices(stored[0], stored[1], label_path=stored[2])
        for part, other in zip(expected, found, strict=True):
            assert np.array_equal(part.image, other.image)
            assert np.array_equal(part.prediction, other.prediction)
            assert (part.aspect, part.name) == (other.aspect, other.name)


def test_patients_left_is_on_the_right_of_the_picture(
    paths: tuple[Path, Path, Path], volumes: tuple[np.ndarray, np.ndarray]
) -> None:
    # The stored x axis rises to the patient's right, so the picture's columns must reverse it.
    part = read_slices(paths[0], paths[1])[0]
    assert part.image[0, 0] > part.image[0, 1]
    assert part.image[0, 0] < part.image[1, 0]


def test_prediction_rules_without_a_label_and_an_empty_one_shows_the_middle(
    paths: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    assert len(read_slices(paths[0], paths[1], count=3)) == 3
    empty = save(tmp_path / "empty.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    (part,) = read_slices(paths[0], empty)
    assert part.name == "axial 5 of 9"
    assert part.image.shape == (SHAPE[1], SHAPE[0])


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 1), (1, 12, 10), (12, 10, 5, 4)])
def test_other_numbers_of_axes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = save(tmp_path / "image.nii.gz", np.ones(shape, dtype=np.float32))
    mask = np.zeros(shape[:3], dtype=np.uint8)
    mask[(slice(0, 6),) * mask.ndim] = 1
    slices = read_slices(image, save(tmp_path / "mask.nii.gz", mask))
    assert all(part.image.ndim == 2 for part in slices)
    assert len(slices) == (1 if len(shape) == 2 or 1 in shape else 4)


def test_shape_mismatch_names_both_files(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    small = save(tmp_path / "small.nii.gz", np.zeros((20, 24, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"small\.nii\.gz.*\(20, 24, 8\).*image\.nii\.gz.*24, 9"):
        read_slices(paths[0], small)


def test_flipped_affine_names_both_files(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    affine = np.diag([-SPACING[0], *SPACING[1:], 1.0])
    flipped = save(tmp_path / "flipped.nii.gz", np.zeros(SHAPE, dtype=np.uint8), affine)
    with pytest.raises(ValueError, match=r"affines of .*flipped\.nii\.gz and .*image\.nii\.gz"):
        read_slices(paths[0], paths[1], label_path=flipped)


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan])
def test_values_that_are_no_classes(
    paths: tuple[Path, Path, Path], tmp_path: Path, value: float
) -> None:
    array = np.zeros(SHAPE, dtype=np.float32)
    array[3, 3, 3] = value
    with pytest.raises(ValueError, match=r"soft\.nii\.gz: holds values that are not class indices"):
        read_slices(paths[0], save(tmp_path / "soft.nii.gz", array))


@pytest.mark.parametrize("content", [None, b"", b"nothing of the kind"])
def test_unreadable_file_is_named(
    paths: tuple[Path, Path, Path], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.nii\.gz: cannot be read"):
        read_slices(path, paths[1])


def test_truncated_file_is_named(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(paths[0].read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"cut\.nii\.gz: cannot be read"):
        read_slices(path, paths[1])
