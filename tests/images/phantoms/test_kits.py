from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd

from iac_components.data import check_datalist, read_dataset
from iac_components.phantoms import write_phantom


def load(path: Path | None) -> np.ndarray:
    assert path is not None
    return np.asanyarray(nibabel.load(path).dataobj)


def test_phantom_passes_the_checks_and_every_second_case_has_a_cyst(
    phantoms: dict[str, Path],
) -> None:
    cases = read_dataset(phantoms["kits"], layout="kits")
    check_datalist([case.entry() for case in cases], labels=[1, 2, 3])
    found = [set(np.unique(load(case.label))) for case in cases]
    assert found == [{0, 1, 2, 3}, {0, 1, 2}] * 2 + [{0, 1, 2, 3}]


def test_the_image_is_in_hounsfield_units(phantoms: dict[str, Path]) -> None:
    for case in read_dataset(phantoms["kits"], layout="kits"):
        image, label = load(case.image), load(case.label)
        assert image.dtype == np.int16
        assert np.median(image[:, 0, 0]) == pytest.approx(-1000, abs=60)
        assert 50 < np.median(image[label == 1]) < 220


def test_slices_are_the_first_axis_and_monai_turns_them(phantoms: dict[str, Path]) -> None:
    turn = Compose(
        [
            LoadImaged(["image", "label"]),
            EnsureChannelFirstd(["image", "label"]),
            Orientationd(["image", "label"], axcodes="RAS", labels=None),
        ]
    )
    for case in read_dataset(phantoms["kits"], layout="kits"):
        stored = nibabel.load(case.image)
        assert nibabel.aff2axcodes(stored.affine) == ("I", "P", "L")
        assert 6 <= stored.shape[0] <= 8
        assert stored.shape[1:] == (32, 32)
        between, *in_plane = stored.header.get_zooms()
        assert 4 <= between <= 6
        assert in_plane[0] == in_plane[1]
        item = turn(case.entry())
        assert item["image"].shape == (1, 32, 32, stored.shape[0])
        assert float(item["image"].pixdim[2]) == pytest.approx(between)
        expected = load(case.label).transpose(2, 1, 0)[::-1, ::-1, ::-1]
        assert (item["label"][0].numpy() == expected).all()
        # After turning, the second axis runs to the front: kidneys lie in the back half.
        kidneys = np.argwhere(item["label"][0].numpy() > 0)
        assert kidneys[:, 1].mean() < 16
        assert set(kidneys[:, 0] > 16) == {True, False}


def test_tumour_and_cyst_touch_a_kidney(tmp_path: Path) -> None:
    write_phantom(tmp_path, layout="kits", num_patients=4, seed=5)
    for case in read_dataset(tmp_path, layout="kits"):
        label = load(case.label)
        for value in set(np.unique(label)) - {0, 1}:
            mask = label == value
            touching = [
                (np.roll(mask, shift, axis) & (label == 1)).any()
                for axis in range(3)
                for shift in (-1, 1)
            ]
            assert any(touching)
