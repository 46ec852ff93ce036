"""Voxels outside training's window are counted as training would lose them."""

from __future__ import annotations

import logging
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    NormalizeIntensityd,
    Orientationd,
    ResizeWithPadOrCropd,
    Spacingd,
)
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from iac_components.data import DatasetError, check_window_reach

KEYS = ["image", "label"]
CLASSES = ["LV", "RV"]


def preprocessing(view: list[int], pixdim: tuple[float, ...] = (1, 1, -1), axcodes: str = "RAS"):
    """The steps of the bundles' training."""
    return Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            Orientationd(KEYS, axcodes=axcodes, labels=None),
            Spacingd(KEYS, pixdim=pixdim, mode=["bilinear", "nearest"]),
            NormalizeIntensityd("image"),
            ResizeWithPadOrCropd(KEYS, spatial_size=view),
        ]
    )


def case(
    folder: Path,
    name: str,
    labels: np.ndarray,
    affine: np.ndarray | None = None,
    codes: str = "RAS",
) -> dict[str, str]:
    entry = {"patient": name, "case": name}
    for key in KEYS:
        voxels = (
            labels.astype(np.float32) + (key == "image") * np.arange(labels.shape[0])[:, None, None]
        )
        image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
        way = ornt_transform(io_orientation(image.affine), axcodes2ornt(codes))
        entry[key] = str(folder / f"{name}_{key}.nii.gz")
        nibabel.save(image.as_reoriented(way), entry[key])
    return entry


def blob(shape: tuple[int, int, int] = (30, 26, 4), seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, 3, shape) * (random.random(shape) < 0.3)


def check(entries, view, caplog, **options) -> str:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="iac_components.data"):
        check_window_reach(
            entries, preprocessing(view, **options), field_of_view=view, class_names=CLASSES
        )
    (record,) = caplog.records
    return record.getMessage()


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR", "SAL"])
@pytest.mark.parametrize("view", [[12, 40, -1], [13, 9, -1], [16, 16, 2]])
def test_counts_are_what_the_crop_leaves(tmp_path, caplog, codes, view):
    labels = blob()
    entry = case(tmp_path, "a", labels, codes=codes)
    kept = preprocessing(view)(entry)["label"].numpy()
    lost = [int((labels == value).sum()) - int((kept == value).sum()) for value in (1, 2)]
    assert min(lost) > 0
    line = check([entry], view, caplog)
    assert f"does not reach {sum(lost):,} of the {(labels > 0).sum():,} labelled voxels" in line
    assert f"LV {lost[0]:,} of" in line
    assert f"RV {lost[1]:,} of" in line
    assert "in 1 of 1 case(s)" in line


@pytest.mark.parametrize(("pixdim", "axcodes"), [((1.1, 0.5, -1), "RAS"), ((0.7, 1.5, -1), "ASR")])
def test_voxel_size_and_slicing_direction_are_followed(tmp_path, caplog, pixdim, axcodes):
    """One block after the other: reached if and only if the crop leaves some of it.

    Voxels become smaller, so that none is lost to the new grid.
    """
    affine = np.diag([-1.3, 0.9, 3.0, 1.0])
    view = [8, 9, -1]
    options = {"pixdim": pixdim, "axcodes": axcodes}
    for axis in range(3):
        for place in range(0, 14, 3):
            labels = np.zeros((15, 16, 17))
            labels[6:9, 6:9, 6:9] = 1
            middle = [7, 7, 7]
            middle[axis] = place
            before, after = np.maximum(np.array(middle) - 1, 0), np.array(middle) + 2
            box = tuple(slice(low, high) for low, high in zip(before, after, strict=True))
            labels[box] = 2
            entry = case(tmp_path, f"{axis}_{place}", labels, affine)
            kept = bool((preprocessing(view, **options)(entry)["label"] == 2).any())
            line = check([entry], view, caplog, **options)
            total = int((labels == 2).sum())
            assert (f"RV {total} of {total}" in line) is not kept


def test_a_window_that_holds_everything_is_told_by_headers(tmp_path, caplog, monkeypatch):
    entries = [case(tmp_path, name, blob(seed=seed)) for seed, name in enumerate("ab")]
    monkeypatch.setattr(np, "argwhere", pytest.fail)
    assert check(entries, [30, 32, -1], caplog) == "Training's window reaches all labelled voxels."


def test_a_larger_volume_whose_labels_lie_inside_is_reached(tmp_path, caplog):
    labels = np.zeros((40, 40, 3))
    labels[18:22, 18:22] = 1
    healthy = np.zeros((40, 40, 3))
    entries = [case(tmp_path, "a", labels), case(tmp_path, "healthy", healthy)]
    assert check(entries, [8, 8, -1], caplog) == "Training's window reaches all labelled voxels."


def test_the_window_that_it_names_reaches_all(tmp_path, caplog):
    entries = [
        case(tmp_path, name, blob(shape))
        for name, shape in (("a", (30, 26, 4)), ("b", (20, 41, 4)), ("c", (10, 10, 4)))
    ]
    line = check(entries, [16, 16, -1], caplog)
    assert "in 2 of 3 case(s)" in line
    assert "--field_of_view [30,42,-1]" in line
    assert check(entries, [30, 42, -1], caplog).endswith("reaches all labelled voxels.")


def test_a_case_that_loses_all_is_refused(tmp_path, caplog):
    corner = np.zeros((128, 128, 3))
    corner[2:20, 100:120] = 1
    entries = [case(tmp_path, "fine", blob((20, 20, 3))), case(tmp_path, "corner", corner)]
    with pytest.raises(DatasetError, match="outside field_of_view") as caught:
        check(entries, [48, 64, -1], caplog)
    (fault,) = caught.value.faults
    assert fault.where == entries[1]["label"]
    assert "all its 1,080 labelled voxels" in fault.problem
    assert "--field_of_view [124,112,-1]" in fault.remedy
    assert check(entries, [124, 112, -1], caplog).endswith("reaches all labelled voxels.")
