"""Volumes of a dataset of patches are read once, kept small, and checked."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from monai.transforms import (
    CenterSpatialCropd,
    FgBgToIndicesd,
    Lambdad,
    LoadImaged,
    NormalizeIntensityd,
    SpatialPadd,
)
from patch_volumes import INDICES, KEYS, PATCH, crop, images, make, read, write_datalist

from iac_components.data import VolumePatchDataset


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return write_datalist(tmp_path_factory.mktemp("volumes"))


def test_nothing_is_read_before_the_first_use_and_then_once(
    datalist: list[dict[str, str]],
) -> None:
    calls: list[object] = []
    count = Lambdad("label", lambda label: (calls.append(0), label)[1])
    missing = [{"image": "absent.nii", "label": "absent.nii"}]
    dataset = VolumePatchDataset(missing, read(count), patches_per_volume=2)
    assert dataset.data is missing
    # MONAI Label sets the datalist of a configured dataset.
    dataset.data = datalist
    assert len(dataset) == 4
    images(dataset)
    assert len(calls) == 2


def test_a_volume_is_transformed_once_for_all_stages(
    datalist: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = images(make(datalist, cache_dir=tmp_path))
    # Two volumes of image, label and two sets of indices.
    assert len(list(tmp_path.rglob("*.npy"))) == 8
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise AssertionError("a file was read although its volume is cached")

        patch.setattr(LoadImaged, "__call__", refuse)
        for one, other in zip(first, images(make(datalist, cache_dir=tmp_path)), strict=True):
            assert torch.equal(one, other)
        with pytest.raises(RuntimeError, match="LoadImaged"):
            len(make(datalist, cache_dir=tmp_path, carried_keys=INDICES[:1]))
    changed = read(NormalizeIntensityd("image"), SpatialPadd(KEYS, PATCH), FgBgToIndicesd("label"))
    assert not torch.equal(make(datalist, transform=changed, cache_dir=tmp_path)[0]["image"], one)


def test_a_cached_dataset_is_cheap_to_hand_to_a_worker(
    datalist: list[dict[str, str]], tmp_path: Path
) -> None:
    dataset = make(datalist, cache_dir=tmp_path)
    unread = len(pickle.dumps(dataset))
    first = dataset[0]["image"]
    text = pickle.dumps(dataset)
    # Two volumes take 9 kB and more, and their paths less.
    assert len(text) - unread < 4000
    assert torch.equal(pickle.loads(text)[0]["image"], first)


def test_of_a_cropped_volume_only_the_crop_is_held(datalist: list[dict[str, str]]) -> None:
    dataset = VolumePatchDataset(datalist, read(CenterSpatialCropd(KEYS, (2, 2, 2))))
    unread = len(pickle.dumps(dataset))
    assert dataset[0]["image"].shape == (2, 2, 2, 2)
    # A view would bring its volume of 9 kB and more along.
    assert len(pickle.dumps(dataset)) - unread < 4000


def test_too_little_memory_is_told_early(
    datalist: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first volume takes 1080 x (2 x 4 + 1) bytes, so as many are expected for the second.
    monkeypatch.setattr("iac_components.common.available_memory.available_memory", lambda: 10_000)
    with pytest.raises(RuntimeError, match=r"volumes .* still to be read .* cache_dir"):
        len(VolumePatchDataset(datalist, read()))
    assert len(VolumePatchDataset(datalist[:1], read())) == 1
    assert len(VolumePatchDataset(datalist, read(), cache_dir=tmp_path)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patches_per_volume": 0}, "patches_per_volume must be at least 1, not 0"),
        ({"seed": -1}, "seed must not be negative"),
        ({"transform": crop()}, r"RandCropByPosNegLabeld, which is random.*to patch_transform"),
        (
            {"cache_dir": "cache", "transform": Lambdad(KEYS, lambda volume: volume)},
            r"func\[0\] is a .*<lambda>.*leave cache_dir out",
        ),
    ],
)
def test_bad_arguments(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VolumePatchDataset([], **{"transform": None, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transform": LoadImaged(KEYS)}, r"case 'c0': transform gives .* EnsureChannelFirstd"),
        (
            {"carried_keys": ("fg",)},
            r"case 'c0': transform gives NoneType for 'fg' of carried_keys.*label_fg_indices",
        ),
        (
            {"patch_transform": crop(num_samples=2)},
            r"patch_transform must give one dictionary for an item, not 2.*num_samples to 1",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    datalist: list[dict[str, str]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(datalist, **options)[0]
