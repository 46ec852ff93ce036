"""Patches of volumes depend on seed, epoch and index alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    FgBgToIndicesd,
    Lambdad,
    NormalizeIntensityd,
    OneOf,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandSpatialCropd,
    SpatialPadd,
)
from patch_volumes import (
    INDICES,
    KEYS,
    PATCH,
    SIZES,
    augment,
    crop,
    images,
    make,
    read,
    write_datalist,
)

from iac_components.data import VolumePatchDataset, epoch_loader, load_datalist
from iac_components.engine import EpochSeeding


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return write_datalist(tmp_path_factory.mktemp("volumes"))


def test_without_patch_transform_an_item_is_the_volume(datalist: list[dict[str, str]]) -> None:
    dataset = VolumePatchDataset(datalist, read(), patches_per_volume=2)
    assert len(dataset) == 4
    for index in range(4):
        entry, item = datalist[index % 2], dataset[index]
        assert list(item) == ["image", "label", "patient", "case"]
        assert (item["patient"], item["case"]) == (entry["patient"], entry["case"])
        image, label = (nibabel.load(entry[key]).get_fdata() for key in KEYS)
        assert np.array_equal(item["image"].numpy(), np.moveaxis(image, -1, 0))
        assert np.array_equal(item["label"].numpy(), label[None])


def test_patches_are_plain_tensors_of_one_place(datalist: list[dict[str, str]]) -> None:
    dataset = make(datalist, patch_transform=crop(), patches_per_volume=8)
    places = set()
    for index in range(len(dataset)):
        item = dataset[index]
        for key, channels in (("image", 2), ("label", 1)):
            assert type(item[key]) is torch.Tensor
            assert item[key].dtype == torch.float32
            assert item[key].shape == (channels, *PATCH)
            assert item[key].untyped_storage().nbytes() == item[key].nbytes
        assert torch.equal(item["image"][0], -item["image"][1])
        # The first voxel's value says where the patch was taken.
        first = int(item["image"][0, 0, 0, 0]) - 10_000 * (index % 2)
        corner = np.unravel_index(first, SIZES[index % 2])
        label = nibabel.load(datalist[index % 2]["label"]).get_fdata()
        part = tuple(slice(c, c + n) for c, n in zip(corner, PATCH, strict=True))
        assert np.array_equal(item["label"][0].numpy(), label[part])
        places.add((index % 2, first))
    assert len(places) > 4


@pytest.mark.parametrize("cached", [False, True])
def test_indices_carried_along_change_no_patch(
    datalist: list[dict[str, str]], tmp_path: Path, cached: bool
) -> None:
    cache_dir = tmp_path if cached else None
    carried = make(datalist, cache_dir=cache_dir)
    scanned = make(
        datalist,
        patch_transform=augment(with_indices=False),
        carried_keys=(),
        cache_dir=cache_dir,
    )
    for one, other in zip(images(carried), images(scanned), strict=True):
        assert torch.equal(one, other)


def test_items_depend_on_seed_epoch_and_index_alone(datalist: list[dict[str, str]]) -> None:
    def seen(seed: int, epoch: int) -> list[torch.Tensor]:
        dataset = make(datalist, seed=seed)
        dataset.set_epoch(epoch)
        return images(dataset)

    runs = {(s, e): seen(s, e) for s, e in itertools.product((0, 1), (0, 1))}
    for first, second in itertools.combinations(runs.values(), 2):
        assert any(not torch.equal(a, b) for a, b in zip(first, second, strict=True))
    one_epoch = runs[0, 0]
    assert not torch.equal(one_epoch[0], one_epoch[2])

    dataset = make(datalist)
    torch.manual_seed(99)
    np.random.seed(99)
    for epoch in (1, 0, 1):
        dataset.set_epoch(epoch)
        for index in (4, 0, 5, 4, -1):
            assert torch.equal(dataset[index]["image"], runs[0, epoch][index])
    with pytest.raises(IndexError):
        dataset[6]


@pytest.mark.parametrize(("num_workers", "cached"), [(0, False), (2, False), (2, True)])
def test_workers_and_cache_do_not_change_the_data(
    datalist: list[dict[str, str]], tmp_path: Path, num_workers: int, cached: bool
) -> None:
    dataset = make(datalist, cache_dir=tmp_path if cached else None)
    reference = make(datalist)
    loader = epoch_loader(dataset, batch_size=2, num_workers=num_workers)
    seen: dict[int, list[torch.Tensor]] = {1: [], 2: []}
    engine = Engine(lambda engine, batch: seen[engine.state.epoch].extend(batch["image"]))
    EpochSeeding([loader]).attach(engine)
    engine.run(loader, max_epochs=2)
    for epoch, batches in seen.items():
        for part in (loader.sampler, reference):
            part.set_epoch(epoch)
        order = list(loader.sampler)
        assert sorted(order) == list(range(6))
        for index, image in zip(order, batches, strict=True):
            assert torch.equal(image, reference[index]["image"])


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    "steps",
    [
        [Lambdad(KEYS, lambda volume: volume.add_(1)), crop()],
        [crop(), Lambdad(KEYS, lambda volume: volume.add_(1))],
        [Lambdad(KEYS, lambda volume: volume.add_(1))],
        [Lambdad(INDICES, lambda indices: indices.copy_(indices.flip(0))), crop()],
    ],
)
def test_a_transform_in_place_does_not_reach_the_next_item(
    datalist: list[dict[str, str]], tmp_path: Path, steps: list[object], cached: bool
) -> None:
    dataset = make(datalist, patch_transform=Compose(steps), cache_dir=tmp_path if cached else None)
    first = dataset[0]
    for _ in range(2):
        again = dataset[0]
        assert all(torch.equal(first[key], again[key]) for key in KEYS)


def test_an_item_is_the_callers_own(datalist: list[dict[str, str]]) -> None:
    dataset = VolumePatchDataset(datalist, read(), patch_transform=CenterSpatialCropd(KEYS, PATCH))
    first = dataset[0]["image"].clone()
    dataset[0]["image"].zero_()
    assert torch.equal(dataset[0]["image"], first)


@pytest.mark.parametrize(
    "transform",
    [
        RandGaussianNoised("image", prob=1.0),
        OneOf([RandFlipd(KEYS, prob=1.0), RandGaussianNoised("image", prob=1.0)]),
        [RandSpatialCropd(KEYS, PATCH, random_size=False)],
        None,
    ],
)
def test_any_transform_is_seeded(datalist: list[dict[str, str]], transform: object) -> None:
    dataset = VolumePatchDataset(datalist, read(), patch_transform=transform)  # type: ignore[arg-type]
    assert torch.equal(dataset[1]["image"], dataset[1]["image"])


def test_real_hippocampus(real_dataset: Callable[[str], Path]) -> None:
    data = load_datalist(real_dataset("Task04_Hippocampus"), layout="decathlon", part="train")
    steps = (NormalizeIntensityd("image"), SpatialPadd(KEYS, (48, 48, 48)), FgBgToIndicesd("label"))
    cropped = RandCropByPosNegLabeld(
        KEYS,
        label_key="label",
        spatial_size=(32, 32, 32),
        num_samples=1,
        fg_indices_key=INDICES[0],
        bg_indices_key=INDICES[1],
    )
    dataset = VolumePatchDataset(
        data[:4], read(*steps), patch_transform=cropped, carried_keys=INDICES, patches_per_volume=4
    )
    (batch,) = epoch_loader(dataset, batch_size=16)
    assert batch["image"].shape == batch["label"].shape == (16, 1, 32, 32, 32)
    assert set(batch["label"].unique().tolist()) == {0, 1, 2}
    assert set(batch["case"]) == {entry["case"] for entry in data[:4]}


@pytest.mark.filterwarnings("error:Num foregrounds")
@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("value", [0, 2])
def test_healthy_cases_and_full_ones_give_patches(
    datalist: list[dict[str, str]], tmp_path: Path, cached: bool, value: int
) -> None:
    label = np.full(SIZES[0], value, np.uint8)
    nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), tmp_path / "label.nii.gz")
    entries = [{**datalist[0], "label": str(tmp_path / "label.nii.gz")}, datalist[1]]
    options = {"cache_dir": tmp_path / "cache"} if cached else {}
    for _ in range(2):
        dataset = make(entries, patches_per_volume=4, **options)
        items = [dataset[index] for index in range(len(dataset))]
        assert all(item["image"].shape == (2, *PATCH) for item in items)
        assert all((item["label"] == value).all() for item in items[::2])
        assert any((item["label"] == 2).any() for item in items[1::2])
