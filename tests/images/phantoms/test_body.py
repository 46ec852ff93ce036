from __future__ import annotations

import numpy as np
import pytest

from iac_components.phantoms.body import Structure, paint_body
from iac_components.phantoms.torso import CT, MR

SIZE = (24, 20, 16)
ORGAN = Structure(1, (0.3, -0.2, 0.1), (0.4, 0.4, 0.5), (300,))


def paint(*structures: Structure, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return paint_body(SIZE, random, number=number, tissues=[CT], structures=structures)


def test_a_structure_is_labelled_bright_and_in_its_place() -> None:
    (image,), label = paint(ORGAN)
    assert image.shape == label.shape == SIZE
    assert image[label == 1].mean() == pytest.approx(300, abs=60)
    centre = np.argwhere(label == 1).mean(0) / (np.array(SIZE) - 1) * 2 - 1
    assert centre == pytest.approx(ORGAN.place, abs=0.15)


def test_what_is_not_labelled_is_seen_all_the_same() -> None:
    (image,), label = paint(Structure(0, ORGAN.place, ORGAN.radii, (2000,)))
    assert not label.any()
    assert (image > 1500).mean() > 0.01


def test_a_place_in_another_structure_lies_there() -> None:
    _, organ = paint(ORGAN)
    _, label = paint(ORGAN, Structure(2, 0, (0.05, 0.05, 0.05), (50,), bend=0.0))
    assert (organ == 1)[label == 2].mean() > 0.5


@pytest.mark.parametrize(("number", "expected"), [(0, True), (1, True), (2, False), (5, False)])
def test_every_third_case_lacks_it(number: int, expected: bool) -> None:
    structure = Structure(1, (0, 0, 0), (0.4, 0.4, 0.4), (200,), absent=3)
    assert paint(structure, number=number)[1].any() == expected


def test_at_least_a_voxel_is_left() -> None:
    assert (paint(Structure(1, (0, 0, 0), (1e-6, 1e-6, 1e-6), (200,)))[1] == 1).sum() >= 1


def test_a_channel_for_each_tissue_and_mr_is_not_negative() -> None:
    images, _ = paint_body(
        SIZE,
        np.random.default_rng(0),
        number=0,
        tissues=[MR, MR],
        structures=[Structure(1, (0, 0, 0), (0.4, 0.4, 0.4), (0.9, 0.1))],
    )
    assert images.shape == (2, *SIZE)
    assert images.min() == 0
