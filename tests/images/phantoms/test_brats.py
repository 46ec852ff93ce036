from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.data import Case, check_datalist, read_dataset
from iac_components.phantoms import write_phantom


def load(path: Path | None) -> np.ndarray:
    assert path is not None
    return np.asanyarray(nibabel.load(path).dataobj)


def read(folder: Path) -> list[Case]:
    return read_dataset(folder, layout="brats")


@pytest.mark.parametrize(
    ("phantom", "enhancing", "cases", "patients"),
    [("brats", 3, 8, 6), ("brats2021", 4, 5, 5)],
)
def test_phantom_passes_the_checks_and_one_tumour_does_not_enhance(
    phantoms: dict[str, Path], phantom: str, enhancing: int, cases: int, patients: int
) -> None:
    found = read(phantoms[phantom])
    assert len(found) == cases
    assert len({case.patient for case in found}) == patients
    check_datalist([case.entry() for case in found], labels=[1, 2, enhancing], num_channels=4)
    for case in found:
        expected = {0, 1, 2} if "00004" in case.patient else {0, 1, 2, enhancing}
        assert set(np.unique(load(case.label))) == expected


def test_2021_has_its_own_label_and_2023_its_own_sub_folder(phantoms: dict[str, Path]) -> None:
    assert read(phantoms["brats2021"])[0].label.parents[1] == phantoms["brats2021"]
    assert read(phantoms["brats"])[0].label.parents[2] == phantoms["brats"]


def test_background_is_zero_and_the_tumour_lies_in_the_brain(phantoms: dict[str, Path]) -> None:
    for case in read(phantoms["brats"])[:3]:
        brains = [load(file) > 0 for file in case.image]
        assert all((brain == brains[0]).all() for brain in brains)
        assert 0.2 < brains[0].mean() < 0.8
        assert brains[0][load(case.label) > 0].all()


def test_sequences_show_their_contrasts(phantoms: dict[str, Path]) -> None:
    for case in read(phantoms["brats2021"])[:4]:
        flair, t1, t1ce, _ = (
            load(file) / np.median(load(file)[load(file) > 0]) for file in case.image
        )
        label = load(case.label)
        assert flair[label == 2].mean() > flair[(label == 0) & (flair > 0)].mean()
        assert t1ce[label == 4].mean() > 1.3 * t1[label == 4].mean()


def test_a_tumour_grows_between_two_times_in_one_head(phantoms: dict[str, Path]) -> None:
    early, late = [case for case in read(phantoms["brats"]) if case.patient.endswith("00002")]
    assert (load(late.label) > 0).sum() > (load(early.label) > 0).sum()
    assert ((load(early.image[0]) > 0) == (load(late.image[0]) > 0)).all()


@pytest.mark.parametrize("seed", range(3))
def test_coarse_volumes_show_every_class(tmp_path: Path, seed: int) -> None:
    folder = write_phantom(
        tmp_path, layout="brats", num_patients=1, shape=(12, 12, 4), spacing=((2, 2),), seed=seed
    )
    case = read(folder)[0]
    assert set(np.unique(load(case.label))) == {0, 1, 2, 3}
    assert nibabel.load(case.label).header.get_zooms() == (2, 2, 2)
    assert nibabel.aff2axcodes(nibabel.load(case.label).affine) == ("L", "P", "S")
