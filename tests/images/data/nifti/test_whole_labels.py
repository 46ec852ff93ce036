from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from iac_components.data import DatasetError, WholeLabelsd, check_datalist
from iac_components.data.datasets.fingerprint import transform_fingerprint

SHAPE = (6, 5, 4)
CLASSES = (0, 1, 2, 127, 255)
LOAD = Compose(
    [LoadImaged(["image", "label"]), EnsureChannelFirstd(["image", "label"]), WholeLabelsd("label")]
)


def make_entry(folder: Path, label: nibabel.Nifti1Image) -> dict[str, str]:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / "image.nii.gz")
    nibabel.save(label, folder / "label.nii.gz")
    return {key: str(folder / f"{key}.nii.gz") for key in ("image", "label")}


def whole_label() -> np.ndarray:
    label = np.zeros(SHAPE, np.uint8)
    label[1:3, 1:3, 1] = np.array(CLASSES[1:]).reshape(2, 2)
    return label


def scaled(slope: float) -> nibabel.Nifti1Image:
    """A label map of integers times a slope, whose product is the label but for rounding."""
    stored = np.rint(whole_label() / slope).astype(np.int32)
    image = nibabel.Nifti1Image(stored, np.eye(4))
    image.header.set_slope_inter(slope, 0)
    return image


def floats(error: float, kind: type[np.floating] = np.float32) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image((whole_label() + error).astype(kind), np.eye(4))


@pytest.mark.parametrize(
    "label",
    [
        floats(1e-7),
        floats(-1e-7),
        floats(9.9e-4),
        floats(-9.9e-4, np.float64),
        scaled(1 / 127),
        scaled(1 / 3),
    ],
    ids=["1.0000001", "0.9999999", "1.00099", "0.99901", "slope 1/127", "slope 1/3"],
)
def test_rounded_labels_are_their_integers(tmp_path: Path, label: nibabel.Nifti1Image) -> None:
    entry = make_entry(tmp_path, label)
    check_datalist([entry], labels=CLASSES)
    seen = LOAD(entry)["label"]
    assert seen.shape == (1, *SHAPE)
    assert np.array_equal(seen[0].numpy(), whole_label())
    assert np.array_equal(seen.affine.numpy(), np.eye(4))


@pytest.mark.parametrize(
    ("error", "shown"),
    [(1.1e-3, "0.0011, 1.0011, 2.0011, 127.0011, 255.0011"), (0.25, "0.25, 1.25, 2.25")],
)
def test_other_labels_are_shown_with_their_digits(tmp_path: Path, error: float, shown: str) -> None:
    entry = make_entry(tmp_path, floats(error))
    with pytest.raises(DatasetError, match=f"non-integer label values {shown}"):
        check_datalist([entry], labels=CLASSES)
    with pytest.raises(RuntimeError) as caught:
        LOAD(entry)
    assert f"label '{entry['label']}' holds values that are not integers" in str(
        caught.value.__cause__
    )


def test_rounding_comes_before_the_names_of_classes(tmp_path: Path) -> None:
    entry = make_entry(tmp_path, floats(1e-6))
    with pytest.raises(DatasetError, match=r"unexpected label values 127, 255, expected \[0, 1, 2"):
        check_datalist([entry], labels=[1, 2])


def test_labels_without_a_file_or_a_fraction(tmp_path: Path) -> None:
    integers = torch.ones(1, 2, 2, dtype=torch.uint8)
    assert WholeLabelsd("label")({"label": integers})["label"] is integers
    for value in (0.5, np.nan, np.inf):
        with pytest.raises(ValueError, match="label 'seg' holds values that are not integers"):
            WholeLabelsd("seg")({"seg": torch.full((1, 2, 2), value)})
    assert WholeLabelsd("seg", allow_missing_keys=True)({}) == {}


def test_the_item_given_is_left_as_it_is() -> None:
    label = torch.full((1, 2), 0.9999)
    item = {"label": label}
    assert WholeLabelsd("label")(item)["label"].tolist() == [[1.0, 1.0]]
    assert item["label"] is label
    assert label[0, 0] != 1


def test_a_cache_can_describe_it() -> None:
    assert transform_fingerprint(WholeLabelsd("label")) == transform_fingerprint(
        WholeLabelsd("label")
    )
    assert transform_fingerprint(WholeLabelsd("label")) != transform_fingerprint(
        WholeLabelsd("seg")
    )
