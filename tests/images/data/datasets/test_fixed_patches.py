"""Patches at fixed positions: the crops of epoch 0, and nothing of what follows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd, RandShiftIntensityd, RandSpatialCropd

from iac_components.data import FixedPatches, VolumePatchDataset, fixed_patches

KEYS = ["image", "label"]
CROP = RandSpatialCropd(KEYS, (4, 4, 4), random_size=False)
AUGMENTATION = (RandFlipd(KEYS, prob=0.9), RandShiftIntensityd("image", 0.5, prob=1.0))


def volumes() -> list[dict[str, object]]:
    voxels = np.arange(1000, dtype=np.float32).reshape(1, 10, 10, 10)
    return [
        {"image": voxels + 1000 * number, "label": voxels * 0, "patient": f"p{number}"}
        for number in range(3)
    ]


def dataset(*steps: object, **options: object) -> VolumePatchDataset:
    return VolumePatchDataset(volumes(), None, patch_transform=Compose([CROP, *steps]), **options)


def test_they_are_the_crops_alone_in_every_epoch() -> None:
    augmented, plain = dataset(*AUGMENTATION, seed=3), dataset(seed=3)
    fixed = FixedPatches(augmented, patches_per_volume=2)
    first = [fixed[index]["image"] for index in range(len(fixed))]
    augmented.set_epoch(7)
    again = [fixed[index]["image"] for index in range(len(fixed))]
    assert augmented.epoch == 7
    assert len(first) == 6
    assert all(map(torch.equal, first, again))
    assert all(torch.equal(first[index], plain[index]["image"]) for index in range(3))
    assert not torch.equal(first[0], augmented[0]["image"])
    assert first[0].shape == (1, 4, 4, 4)


def test_more_patches_of_a_volume_are_other_ones_and_the_first_stay() -> None:
    one, two = (FixedPatches(dataset(), patches_per_volume=n) for n in (1, 2))
    assert all(torch.equal(one[i]["image"], two[i]["image"]) for i in range(3))
    assert not torch.equal(two[0]["image"], two[3]["image"])
    assert two.patients == ["p0", "p1", "p2"] * 2
    assert [two[i]["patient"] for i in range(6)] == two.patients
    with pytest.raises(IndexError):
        two[6]


def test_items_of_epochs_are_as_they_were() -> None:
    used, unused = dataset(*AUGMENTATION), dataset(*AUGMENTATION)
    FixedPatches(used)[1]
    assert torch.equal(used[0]["image"], unused[0]["image"])


def test_without_a_crop_there_is_no_patch() -> None:
    whole = VolumePatchDataset(volumes(), None, patch_transform=Compose(AUGMENTATION))
    with pytest.raises(ValueError, match="patch_transform begins with no crop"):
        FixedPatches(whole)
    with pytest.raises(ValueError, match="patches_per_volume must be at least 1, not 0"):
        FixedPatches(dataset(), patches_per_volume=0)


def test_anything_else_is_taken_as_it_is() -> None:
    items = volumes()
    assert fixed_patches(items, patches_per_volume=2) is items
    assert isinstance(fixed_patches(dataset(), patches_per_volume=2), FixedPatches)
