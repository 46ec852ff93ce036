"""Sound data pass the preflight check, and lists are compared with expectations."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from checked_entries import (
    AFFINE,
    SHAPE,
    edit,
    faults_of,
    make_entry,
    make_image,
    make_label,
    write,
)

from iac_components.data import DatasetError, check_datalist


@pytest.mark.parametrize(
    ("image", "label"),
    [
        (make_image(), make_label().astype(np.float32)),
        (make_image().astype(np.uint16), make_label().astype(np.int16)),
        (make_image()[..., None], make_label()),
        (make_image((8, 9, 1)), make_label()[..., 2:3]),
        (make_image() * 1.7e4, make_label()),
        (make_image(), np.ones(SHAPE, np.uint8)),
    ],
)
def test_sound_data_pass(tmp_path: Path, image: np.ndarray, label: np.ndarray) -> None:
    entry = make_entry(tmp_path)
    write(entry["image"], image)
    write(entry["label"], label, AFFINE + 1e-5)
    check_datalist([entry], labels=[0, 1, 2])


def test_negative_values_alone_are_refused(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    write(entry["label"], edit(np.zeros(SHAPE), -1))
    problems = [problem for _, problem in faults_of([entry])]
    assert problems == ["has negative label values -1"]


def test_nifti_2_and_uncompressed_files_pass(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    entry["label"] = entry["label"].removesuffix(".gz")
    write(entry["label"], make_label())
    nibabel.save(nibabel.Nifti2Image(make_image(), AFFINE), entry["image"])
    check_datalist([entry], labels=[1, 2])


def test_scaled_integers_pass(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    image = nibabel.Nifti1Image(make_image().astype(np.int16), AFFINE)
    image.header.set_slope_inter(0.5, -10)
    nibabel.save(image, entry["image"])
    check_datalist([entry], labels=[1, 2])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_channels": 2}, "has 1 channel, expected 2"),
        ({"min_size": (8, 10, 5)}, "has size (8, 9, 5), smaller than (8, 10, 5)"),
    ],
)
def test_expectations_are_compared(
    tmp_path: Path, options: dict[str, object], problem: str
) -> None:
    assert ("a.nii.gz", problem) in faults_of([make_entry(tmp_path)], **options)


def test_channels_are_the_fourth_axis(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    write(entry["image"], make_image((*SHAPE, 4)))
    check_datalist([entry], labels=[1, 2], num_channels=4)


def test_images_alone_are_checked_for_inference(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    del entry["label"]
    check_datalist([entry], labels=[1])
    write(entry["image"], np.zeros(SHAPE, np.int16))
    assert faults_of([entry]) == [("a.nii.gz", "is constant (0 everywhere)")]


def test_a_missing_pair_is_a_fault(tmp_path: Path) -> None:
    alone = make_entry(tmp_path, "b")
    del alone["label"]
    found = faults_of([make_entry(tmp_path), alone])
    assert found == [("b.nii.gz", "has no 'label' in the datalist")]


def test_duplicates_are_found_through_links(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    link = tmp_path / "link.nii.gz"
    link.symlink_to(entry["image"])
    assert faults_of([entry, make_entry(tmp_path, "b"), {**entry, "image": str(link)}]) == [
        ("link.nii.gz", "is the image of entries 0 and 2 of the datalist"),
        ("a_gt.nii.gz", "is the label of entries 0 and 2 of the datalist"),
    ]


def test_an_empty_datalist_is_refused() -> None:
    with pytest.raises(DatasetError, match="no entry"):
        check_datalist([], labels=[1])


@pytest.mark.parametrize("labels", [[], [0], [-1, 1]])
def test_labels_must_name_a_class(tmp_path: Path, labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels must hold a positive value"):
        check_datalist([make_entry(tmp_path)], labels=labels)
