from __future__ import annotations

import itertools
import pickle
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
    EnsureChannelFirstd,
    FgBgToIndicesd,
    Lambdad,
    LoadImaged,
    NormalizeIntensityd,
    OneOf,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    RandSpatialCropd,
    SpatialPadd,
)

from iac_components.data import VolumePatchDataset, epoch_loader, load_datalist
from iac_components.engine import EpochSeeding

SIZES = [(10, 12, 9), (11, 8, 14)]
KEYS = ["image", "label"]
INDICES = ("label_fg_indices", "label_bg_indices")
PATCH = (6, 8, 7)


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Two volumes of two channels and different size whose voxels tell where they lie."""
    folder = tmp_path_factory.mktemp("volumes")
    entries = []
    for number, size in enumerate(SIZES):
        first = np.arange(np.prod(size), dtype=np.float32).reshape(size) + 10_000 * number
        label = np.zeros(size, np.uint8)
        label[2:4, 2:4, 1:3] = 2
        entry = {"patient": f"p{number}", "case": f"c{number}"}
        for key, voxels in (("image", np.stack([first, -first], -1)), ("label", label)):
            entry[key] = str(folder / f"{number}_{key}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), entry[key])
        entries.append(entry)
    return entries


def read(*further: object) -> Compose:
    return Compose([LoadImaged(KEYS), EnsureChannelFirstd(KEYS), *further])


def indexed() -> Compose:
    return read(SpatialPadd(KEYS, PATCH), FgBgToIndicesd("label"))


def crop(*, with_indices: bool = True, num_samples: int = 1) -> RandCropByPosNegLabeld:
    chosen = {"fg_indices_key": INDICES[0], "bg_indices_key": INDICES[1]} if with_indices else {}
    return RandCropByPosNegLabeld(
        KEYS, label_key="label", spatial_size=PATCH, num_samples=num_samples, **chosen
    )


def augment(*, with_indices: bool = True) -> Compose:
    return Compose(
        [
            crop(with_indices=with_indices),
            RandFlipd(KEYS, prob=0.5, spatial_axis=0),
            Compose([RandGaussianNoised("image", prob=0.7)]),
            RandScaleIntensityd("image", factors=0.3, prob=0.7),
        ]
    )


def make(datalist: list[dict[str, str]], **options: object) -> VolumePatchDataset:
    chosen = {
        "transform": indexed(),
        "patch_transform": augment(),
        "carried_keys": INDICES,
        "patches_per_volume": 3,
        **options,
    }
    return VolumePatchDataset(datalist, **chosen)  # type: ignore[arg-type]


def images(dataset: VolumePatchDataset) -> list[torch.Tensor]:
    return [dataset[index]["image"] for index in range(len(dataset))]


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
