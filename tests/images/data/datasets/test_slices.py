"""Slices of volumes depend on seed, epoch and index alone, and their share of empty ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import (
    Lambdad,
    LoadImaged,
    RandGaussianNoised,
)
from slice_volumes import KEYS, SIZES, augment, images, read, write_datalist

from iac_components.data import SliceDataset, epoch_loader


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return write_datalist(tmp_path_factory.mktemp("volumes"))


@pytest.mark.parametrize("axis", [-3, -2, -1, 0, 1, 2])
def test_every_slice_of_every_volume(datalist: list[dict[str, str]], axis: int) -> None:
    dataset = SliceDataset(datalist, read(), slice_axis=axis)
    assert len(dataset) == sum(size[axis] for size in SIZES)
    items = iter(dataset[index] for index in range(len(dataset)))
    for entry, size in zip(datalist, SIZES, strict=True):
        image = nibabel.load(entry["image"]).get_fdata()
        label = nibabel.load(entry["label"]).get_fdata()
        for index in range(size[axis]):
            item = next(items)
            assert (item["patient"], item["case"]) == (entry["patient"], entry["case"])
            assert item["slice"] == index
            for key, volume in (("image", image), ("label", label)):
                tensor = item[key]
                assert type(tensor) is torch.Tensor
                assert tensor.dtype == torch.float32
                assert tensor.is_contiguous()
                assert np.array_equal(tensor.numpy(), volume.take(index, axis=axis)[None])


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 4), (1.0, 9)])
def test_share_of_empty_slices(
    datalist: list[dict[str, str]], fraction: float, expected: int
) -> None:
    assert len(SliceDataset(datalist, read(), empty_fraction=fraction)) == expected


def test_empty_slices_are_drawn_by_the_seed(datalist: list[dict[str, str]]) -> None:
    def kept(seed: int) -> tuple[object, ...]:
        dataset = SliceDataset(datalist, read(), empty_fraction=0.5, seed=seed)
        rows = [dataset[index] for index in range(len(dataset))]
        filled = [row for row in rows if row["label"].any()]
        assert [row["slice"] for row in filled] == [1, 2, 1, 2]
        return tuple((row["case"], row["slice"]) for row in rows)

    assert kept(0) == kept(0)
    assert len({kept(seed) for seed in range(8)}) > 3


def test_items_depend_on_seed_epoch_and_index_alone(datalist: list[dict[str, str]]) -> None:
    def seen(seed: int, epoch: int) -> list[torch.Tensor]:
        dataset = SliceDataset(datalist, read(), slice_transform=augment(), seed=seed)
        dataset.set_epoch(epoch)
        return images(dataset)

    runs = {(s, e): seen(s, e) for s, e in itertools.product((0, 1), (0, 1))}
    for first, second in itertools.combinations(runs.values(), 2):
        assert any(not torch.equal(a, b) for a, b in zip(first, second, strict=True))

    dataset = SliceDataset(datalist, read(), slice_transform=augment())
    torch.manual_seed(99)
    np.random.seed(99)
    for epoch in (1, 0, 1):
        dataset.set_epoch(epoch)
        for index in (4, 0, 8, 4, -1):
            assert torch.equal(dataset[index]["image"], runs[0, epoch][index])


@pytest.mark.parametrize(("num_workers", "cached"), [(0, False), (1, False), (2, False), (2, True)])
def test_workers_do_not_change_the_data(
    datalist: list[dict[str, str]], tmp_path: Path, num_workers: int, cached: bool
) -> None:
    dataset = SliceDataset(
        datalist[:1],
        read(),
        slice_transform=augment(),
        cache_dir=tmp_path if cached else None,
        cache_dtype="float32",
    )
    reference = SliceDataset(datalist[:1], read(), slice_transform=augment())
    loader = epoch_loader(dataset, batch_size=2, num_workers=num_workers, drop_last=False)
    for epoch in (3, 4):
        for part in (loader.sampler, dataset, reference):
            part.set_epoch(epoch)
        seen = [
            (int(index), image)
            for batch in loader
            for index, image in zip(batch["slice"], batch["image"], strict=True)
        ]
        assert sorted(index for index, _ in seen) == list(range(5))
        for index, image in seen:
            assert torch.equal(image, reference[index]["image"])


def test_a_transform_in_place_does_not_reach_the_next_epoch(
    datalist: list[dict[str, str]],
) -> None:
    dataset = SliceDataset(
        datalist, read(), slice_transform=Lambdad("image", lambda image: image.add_(1))
    )
    first = dataset[3]["image"].clone()
    assert torch.equal(dataset[3]["image"], first)


def test_a_bare_random_transform_is_seeded(datalist: list[dict[str, str]]) -> None:
    dataset = SliceDataset(datalist, read(), slice_transform=RandGaussianNoised("image", prob=1.0))
    assert torch.equal(dataset[2]["image"], dataset[2]["image"])


def test_other_keys(datalist: list[dict[str, str]]) -> None:
    renamed = [{"mr": entry["image"], "seg": entry["label"]} for entry in datalist]
    dataset = SliceDataset(
        renamed, LoadImaged(["mr", "seg"], ensure_channel_first=True), keys=("mr", "seg")
    )
    assert dataset[0]["seg"].shape == (1, 6, 8)
    assert dataset[0]["patient"] == renamed[0]["mr"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slice_axis": 3}, "slice_axis must be -3 to 2, not 3"),
        ({"empty_fraction": 1.5}, "empty_fraction must be 0 to 1"),
        ({"seed": -1}, "seed must not be negative"),
        ({"transform": augment()}, "RandFlipd, which is random"),
        ({"cache_dir": "cache", "cache_dtype": "int16"}, "cache_dtype must be"),
        (
            {"cache_dir": "cache", "transform": Lambdad(KEYS, lambda volume: volume)},
            r"func\[0\] is a .*<lambda>.*leave cache_dir out",
        ),
    ],
)
def test_bad_arguments(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SliceDataset([], **{"transform": None, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(("empty_fraction", "kept"), [(0.0, 0), (1.0, SIZES[0][2])])
def test_a_healthy_case_gives_its_share_of_empty_slices(
    datalist: list[dict[str, str]],
    tmp_path: Path,
    cached: bool,
    empty_fraction: float,
    kept: int,
) -> None:
    label = np.zeros(SIZES[0], np.uint8)
    nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), tmp_path / "label.nii.gz")
    healthy = {**datalist[0], "label": str(tmp_path / "label.nii.gz"), "case": "healthy"}
    options = {"cache_dir": tmp_path / "cache"} if cached else {}
    for _ in range(2):
        dataset = SliceDataset(
            [healthy, datalist[1]], read(), empty_fraction=empty_fraction, **options
        )
        cases = [dataset[index]["case"] for index in range(len(dataset))]
        assert cases.count("healthy") == kept
        assert "c1" in cases
    alone = SliceDataset([healthy], read(), empty_fraction=empty_fraction, **options)
    if not kept:
        with pytest.raises(ValueError, match=r"no item to load.*empty_fraction"):
            epoch_loader(alone, batch_size=1, seed=0)
