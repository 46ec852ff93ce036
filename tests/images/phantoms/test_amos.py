from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.data import check_datalist, read_dataset
from iac_components.phantoms import write_phantom

SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, LIVER, BLADDER = 1, 2, 3, 6, 14


def load(path: Path | None) -> np.ndarray:
    assert path is not None
    return np.asanyarray(nibabel.load(path).dataobj)


def values(label: Path | None) -> set[int]:
    return set(np.unique(load(label)).tolist())


def test_phantom_passes_the_checks_and_a_few_organs_are_absent(phantoms: dict[str, Path]) -> None:
    cases = read_dataset(phantoms["amos"], layout="amos")
    check_datalist([case.entry() for case in cases], labels=range(16))
    absent = {case.name: set(range(1, 16)) - values(case.label) for case in cases}
    assert absent == {
        "amos_0001": set(),
        "amos_0002": {14, 15},
        "amos_0003": {4},
        "amos_0004": set(),
        "amos_0501": set(),
        "amos_0502": set(),
        "amos_0503": {14, 15},
        "amos_0504": set(),
    }


def test_half_is_ct_and_half_mr(phantoms: dict[str, Path]) -> None:
    for case in read_dataset(phantoms["amos"], layout="amos"):
        image = load(case.image)
        corner = np.median(image[0, 0])
        if case.name < "amos_0501":
            assert corner == pytest.approx(-1000, abs=60)
        else:
            assert image.min() == 0
            assert corner < 0.2 * np.percentile(image, 99)


def test_three_parts_of_which_the_last_has_no_label(phantoms: dict[str, Path]) -> None:
    content = json.loads((phantoms["amos"] / "dataset.json").read_text())
    numbers = [content[key] for key in ("numTraining", "numValidation", "numTest")]
    assert numbers == [6, 2, 1]
    assert [len(content[key]) for key in ("training", "validation", "test")] == numbers
    for folder, count in (("imagesVa", 2), ("labelsVa", 2), ("imagesTs", 1)):
        assert len(list((phantoms["amos"] / folder).iterdir())) == count
    assert not (phantoms["amos"] / "labelsTs").exists()


def test_organs_lie_where_they_do_in_a_patient(phantoms: dict[str, Path]) -> None:
    for case in read_dataset(phantoms["amos"], layout="amos"):
        volume = nibabel.as_closest_canonical(nibabel.load(case.label))
        label = np.asanyarray(volume.dataobj)

        def centre(value: int, label: np.ndarray = label) -> np.ndarray:
            return np.argwhere(label == value).mean(0)

        # Canonical axes run to the right, the front and the head.
        assert centre(RIGHT_KIDNEY)[0] > centre(LEFT_KIDNEY)[0]
        assert centre(LIVER)[0] > centre(SPLEEN)[0]
        assert centre(LIVER)[1] > centre(RIGHT_KIDNEY)[1]
        if (label == BLADDER).any():
            assert centre(BLADDER)[2] < centre(LIVER)[2]


@pytest.mark.parametrize("seed", range(6))
def test_coarse_volumes_show_every_organ(tmp_path: Path, seed: int) -> None:
    write_phantom(tmp_path, layout="amos", num_patients=2, shape=(24, 24, 6), seed=seed)
    for case in read_dataset(tmp_path, layout="amos"):
        assert values(case.label) == set(range(16))
