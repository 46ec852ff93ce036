"""A volume that is moved within its slices stays where it is in the world."""

from __future__ import annotations

import nibabel
import numpy as np

from studies.off_centre.__main__ import SIDE, mean_dice, place


def test_a_moved_volume_keeps_its_place():
    affine = np.array([[-1.0, 0, 0, 9], [0, 2, 0, -4], [0, 0, 3, 1], [0, 0, 0, 1]])
    voxels = np.arange(1, 1 + 35 * 51 * 3, dtype=np.int32).reshape(35, 51, 3)
    moved = place(nibabel.Nifti1Image(voxels, affine))
    found = np.asarray(moved.dataobj)
    assert found.shape == (SIDE, SIDE, 3)
    assert np.count_nonzero(found) == voxels.size
    for index in ((0, 0, 0), (34, 50, 2), (7, 20, 1)):
        (there,) = np.argwhere(found == voxels[index])
        np.testing.assert_allclose(moved.affine @ [*there, 1], affine @ [*index, 1])


def test_dice_is_the_mean_over_both_classes():
    expected = np.array([1, 1, 2, 2, 0])
    assert mean_dice(expected, expected) == 1.0
    assert mean_dice(np.array([1, 0, 0, 0, 0]), expected) == (2 / 3 + 0) / 2
