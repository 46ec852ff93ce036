"""Bad data stop every stage before it starts, with the file and the remedy."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from iac_components.data import Folds, load_datalist, save_folds
from iac_components.phantoms import write_phantom

STAGES = ["search", "train"]


def truncate(path, rewrite):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path, rewrite):
    path.write_bytes(b"")


def no_nifti(path, rewrite):
    path.write_bytes(b"PK\x03\x04 this is something else altogether" * 20)


def nan_voxel(path, rewrite):
    rewrite(path, lambda v: np.where(v == v.flat[0], np.nan, v).astype(np.float32))


def constant(path, rewrite):
    rewrite(path, lambda v: np.full_like(v, 3))


def one_slice_less(path, rewrite):
    rewrite(path, lambda v: v[:, :, 1:])


def flipped(path, rewrite):
    rewrite(path, affine=lambda a: a @ np.diag([-1, 1, 1, 1]))


def singular(path, rewrite):
    def flatten(affine):
        affine[:3, 1] = affine[:3, 0]
        return affine

    rewrite(path, affine=flatten)


def relabel(value):
    def change(path, rewrite):
        rewrite(path, lambda v: np.where(v == 1, value, v.astype(np.float32)).astype(np.float32))

    return change


FAULTS = {
    "truncated image": ("image", truncate, "cannot be read to its end"),
    "truncated label": ("label", truncate, "cannot be read to its end"),
    "empty image": ("image", empty, "is empty"),
    "no NIfTI": ("image", no_nifti, "damaged"),
    "NaN image": ("image", nan_voxel, "NaN or infinite voxel"),
    "constant image": ("image", constant, "is constant"),
    "shapes differ": ("label", one_slice_less, "Resample it to"),
    "affines differ": ("label", flipped, "the affines differ"),
    "unexpected label": ("label", relabel(7), "unexpected label values 7"),
    "negative label": ("label", relabel(-1), "negative label values -1"),
    "non-integer label": ("label", relabel(1.5), "non-integer label values 1.5"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_spoilt_file_is_named(dataset, failure, rewrite, fault):
    role, spoil, expected = FAULTS[fault]
    path = getattr(dataset, role)()
    spoil(path, rewrite)
    message = failure("train", {"dataset_dir": str(dataset.folder)})
    assert str(path) in message
    assert expected in message
    assert "1 fault(s)" in message.splitlines()[0]


@pytest.mark.parametrize("stage", STAGES)
def test_singular_affine_is_named(dataset, failure, rewrite, stage):
    paths = dataset.image(), dataset.label()
    for path in paths:
        singular(path, rewrite)
    message = failure(stage, {"dataset_dir": str(dataset.folder)})
    assert all(str(path) in message for path in paths)


def test_search_names_a_spoilt_file_too(dataset, failure, rewrite):
    path = dataset.label()
    relabel(7)(path, rewrite)
    message = failure("search", {"dataset_dir": str(dataset.folder)})
    assert str(path) in message
    assert "unexpected label values 7" in message


def test_all_faults_are_told_at_once(dataset, failure, rewrite):
    first, second = dataset.image(0), dataset.label(1)
    truncate(first, rewrite)
    relabel(-1)(second, rewrite)
    message = failure("train", {"dataset_dir": str(dataset.folder)})
    assert "2 fault(s) in 2 place(s)" in message
    assert str(first) in message
    assert str(second) in message


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_parts_that_a_stage_does_not_use_are_opened_too(dataset, failure, rewrite, stage, part):
    path = dataset.image(part=part)
    truncate(path, rewrite)
    message = failure(stage, {"dataset_dir": str(dataset.folder)})
    assert str(path) in message
    assert "1 fault(s)" in message.splitlines()[0]


@pytest.mark.parametrize("stage", STAGES)
def test_voxels_in_metres_are_named_unless_any_size_is_asked_for(dataset, failure, rewrite, stage):
    for path in (dataset.image(), dataset.label()):
        rewrite(path, affine=lambda a: np.diag([0.001, 0.001, 0.001, 1]) @ a)
    spoilt = dataset.image(1)
    truncate(spoilt, rewrite)
    options = {"dataset_dir": str(dataset.folder)}
    message = failure(stage, options)
    assert "3 fault(s)" in message
    assert "outside 0.01 to 50 mm" in message
    message = failure(stage, {**options, "voxel_size_range": "null"})
    assert "1 fault(s)" in message
    message = failure(stage, {**options, "voxel_size_range": [1e-4, 50]})
    assert "1 fault(s)" in message


@pytest.mark.parametrize("stage", STAGES)
def test_an_empty_test_part_is_named(dataset, failure, tmp_path, stage):
    folds = tmp_path / "folds.json"
    patients = {entry["patient"] for entry in dataset.entries("train")}
    patients |= {entry["patient"] for entry in dataset.entries("validation")}
    patients |= {entry["patient"] for entry in dataset.entries("test")}
    save_folds(Folds("decathlon", 0, (("elsewhere",), tuple(sorted(patients)))), folds)
    options = {"dataset_dir": str(dataset.folder), "folds_file": str(folds), "num_folds": 2}
    message = failure(stage, options)
    assert "part 'test' of fold 0 has no case" in message
    assert "--folds_file" in message


def test_test_fold_is_checked_before_evaluation(dataset, failure, rewrite):
    path = dataset.image(part="test")
    truncate(path, rewrite)
    options = {"dataset_dir": str(dataset.folder)}
    assert str(path) in failure("train", options, "evaluate")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["hippocampus", "acdc"])
@pytest.mark.parametrize("kind", ["missing", "empty", "a file"])
def test_dataset_folder(failure, tmp_path, stage, name, kind):
    folder = tmp_path / "nowhere"
    if kind == "empty":
        folder.mkdir()
    if kind == "a file":
        folder.write_text("", encoding="utf-8")
    message = failure(stage, {"dataset_dir": str(folder)}, dataset=name)
    assert str(folder) in message
    assert "--dataset_dir" in message


def test_dataset_of_another_layout(failure, acdc_dataset):
    message = failure("train", {"dataset_dir": str(acdc_dataset.folder)})
    assert "dataset.json" in message
    assert str(acdc_dataset.folder) in message


def test_image_without_label(dataset, acdc_dataset, failure):
    label = dataset.label()
    label.unlink()
    message = failure("train", {"dataset_dir": str(dataset.folder)})
    assert str(label) in message
    assert "is missing" in message

    truth = acdc_dataset.label()
    truth.unlink()
    message = failure("search", {"dataset_dir": str(acdc_dataset.folder)}, dataset="acdc")
    assert truth.name in message


@pytest.mark.parametrize("stage", STAGES)
def test_too_few_patients_for_the_folds(failure, tmp_path, stage):
    folder = write_phantom(tmp_path / "few", layout="decathlon", num_patients=2, shape=(16, 16, 16))
    message = failure(stage, {"dataset_dir": str(folder)})
    assert "2 patient(s)" in message
    assert "--num_folds" in message


def test_folds_file_of_another_dataset(dataset, acdc_dataset, failure, tmp_path):
    folds = tmp_path / "folds.json"
    acdc = {"layout": "acdc", "part": "train", "folds_file": folds}
    load_datalist(acdc_dataset.folder, **acdc)
    before = folds.read_bytes()
    message = failure("train", {"dataset_dir": str(dataset.folder), "folds_file": str(folds)})
    assert str(folds) in message
    assert "--folds_file" in message
    assert folds.read_bytes() == before


class TestInference:
    """Images of strangers: no label, no layout."""

    @pytest.fixture
    def images(self, dataset, tmp_path):
        folder = tmp_path / "images"
        folder.mkdir()
        for index in range(2):
            shutil.copy(dataset.image(index), folder)
        return folder

    @pytest.mark.parametrize(
        ("spoil", "expected"),
        [
            (truncate, "cannot be read to its end"),
            (nan_voxel, "NaN or infinite voxel"),
            (constant, "is constant"),
            (singular, "singular affine"),
        ],
    )
    def test_spoilt_image(self, images, failure, rewrite, spoil, expected):
        path = sorted(images.iterdir())[1]
        spoil(path, rewrite)
        message = failure("inference", {"dataset_dir": str(images), "skip_module": "plain"})
        assert str(path) in message
        assert expected in message

    def test_several_frames(self, images, failure, rewrite):
        path = sorted(images.iterdir())[0]
        rewrite(path, lambda v: np.stack([v, v], axis=-1))
        message = failure("inference", {"dataset_dir": str(images), "skip_module": "plain"})
        assert str(path) in message
        assert "2 channels or frames" in message

    @pytest.mark.parametrize("kind", ["missing", "empty"])
    def test_no_images(self, failure, tmp_path, kind):
        folder = tmp_path / "none"
        if kind == "empty":
            folder.mkdir()
        message = failure("inference", {"dataset_dir": str(folder), "skip_module": "plain"})
        assert str(folder) in message
        assert "--dataset_dir" in message

    def test_two_images_of_one_name(self, images, failure, rewrite):
        path = sorted(images.iterdir())[0]
        shutil.copy(path, path.with_suffix(""))
        message = failure("inference", {"dataset_dir": str(images), "skip_module": "plain"})
        assert "has the same case name" in message
