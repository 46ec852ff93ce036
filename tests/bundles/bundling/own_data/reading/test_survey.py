"""Every label map and the images of some cases are looked into."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.bundling.own_data.reading.survey import sample_images, survey_labels
from iac_components.data import DatasetError
from iac_components.data.case import Case
from iac_components.data.layouts.general.label_classes import LabelClasses

ONE = LabelClasses(("a",), ((1,),))


def save(path: Path, voxels, affine=None) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
    return path


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


def test_images_are_looked_at_within_the_labels(tmp_path):
    cases = [sample_case(tmp_path, number) for number in range(3)]
    sample = sample_images(cases, ONE, num_channels=1)
    ((low, high),) = sample.windows
    assert 0 <= low < 2
    assert 97 < high <= 99
    assert sample_images(cases * 10, ONE, num_channels=1).num_cases == 20


def test_every_channel_has_its_window(tmp_path):
    case = sample_case(tmp_path, 0)
    image = np.asarray(nibabel.load(case.image).dataobj)
    other = save(tmp_path / "other.nii.gz", image + 500)
    both = Case("p", "p", (case.image, other), case.label)
    first, second = sample_images([both], ONE, num_channels=2).windows
    assert second == pytest.approx([value + 500 for value in first])


def test_labels_tell_filled_slices_and_the_window_that_they_need(tmp_path):
    cases = [sample_case(tmp_path, number) for number in range(3)]
    survey = survey_labels(cases, ONE)
    assert survey.filled_share == (1, 1, 2 / 8)
    # Slices 1 and 2 of 8: the middle lies between 3 and 4, and 1 reaches 3 of them away.
    assert survey.needed.tolist() == [[10, 10, 6]] * 3


def test_what_is_zero_around_an_image_is_measured(tmp_path):
    image, label = np.zeros((2, 20, 20, 10), dtype=np.float32)
    image[5:15, 2:18, :] = np.random.default_rng(0).normal(50, 5, (10, 16, 10))
    label[8:12, 8:12, 4] = 1
    case = Case("p", "p", save(tmp_path / "i.nii.gz", image), save(tmp_path / "l.nii.gz", label))
    sample = sample_images([case], ONE, num_channels=1)
    assert sample.cropped_size == (0.5, 0.8, 1.0)
    assert sample.cropped_share == pytest.approx(0.4)


def test_every_fault_of_the_files_is_reported(tmp_path):
    cases = [sample_case(tmp_path, 0, label_value=5), sample_case(tmp_path, 1)]
    (tmp_path / "case_001_label.nii.gz").write_bytes(b"")
    with pytest.raises(DatasetError) as error:
        survey_labels(cases, ONE)
    problems = [fault.problem for fault in error.value.faults]
    assert any("unexpected label values 5" in problem for problem in problems)
    assert any("is empty" in problem for problem in problems)
    (tmp_path / "case_000.nii.gz").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"is empty"):
        sample_images(cases[:1], LabelClasses(("a",), ((5,),)), num_channels=1)


def test_classes_are_the_values_where_nothing_names_them(tmp_path):
    cases = [sample_case(tmp_path, 0, label_value=7), sample_case(tmp_path, 1, label_value=3)]
    survey = survey_labels(cases, None)
    assert survey.classes.names == ("class_3", "class_7")
    assert survey.occurs.tolist() == [[False, True], [True, False]]
    assert survey_labels(cases[:1], None).classes.names == ("foreground",)


def test_numbers_of_objects_are_no_classes(tmp_path):
    case = sample_case(tmp_path, 0)
    label = np.arange(800, dtype=np.int16).reshape(10, 10, 8)
    save(case.label, label)
    with pytest.raises(DatasetError, match=r"seem to number objects. Save one value a class"):
        survey_labels([case], None)


def test_healthy_cases_are_taken_unless_there_are_no_others(tmp_path):
    healthy, other = sample_case(tmp_path, 0, label_value=0), sample_case(tmp_path, 1)
    survey = survey_labels([healthy, other], ONE)
    assert survey.filled_share[2] == 1 / 8
    assert survey.occurs.tolist() == [[False], [True]]
    assert survey.needed[0].tolist() == [0, 0, 0]
    with pytest.raises(DatasetError, match=r"None of the 1 label map\(s\) has foreground"):
        survey_labels([healthy], ONE)
