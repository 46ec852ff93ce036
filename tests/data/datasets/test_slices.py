from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import (
    Compose,
    Lambdad,
    LoadImaged,
    NormalizeIntensityd,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    Resized,
)

from iac_components.data import DatasetError, SliceDataset, epoch_loader

SIZES = [(6, 8, 5), (7, 6, 4)]
KEYS = ["image", "label"]


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Two volumes of different size whose voxels tell where they lie; slices 1 and 2 labelled."""
    folder = tmp_path_factory.mktemp("volumes")
    entries = []
    for number, size in enumerate(SIZES):
        image = np.arange(np.prod(size), dtype=np.float32).reshape(size) + 1000 * number
        label = np.zeros(size, np.uint8)
        label[2:4, 2:4, 1:3] = 1
        entry = {"patient": f"p{number}", "case": f"c{number}"}
        for key, voxels in (("image", image), ("label", label)):
            entry[key] = str(folder / f"{number}_{key}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), entry[key])
        entries.append(entry)
    return entries


def read() -> Compose:
    return Compose([LoadImaged(KEYS, ensure_channel_first=True)])


def augment() -> Compose:
    return Compose(
        [
            RandFlipd(KEYS, prob=0.5, spatial_axis=0),
            Compose([RandGaussianNoised("image", prob=0.7)]),
            RandScaleIntensityd("image", factors=0.3, prob=0.7),
        ]
    )


def images(dataset: SliceDataset) -> list[torch.Tensor]:
    return [dataset[index]["image"] for index in range(len(dataset))]


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


def test_nothing_is_read_before_the_first_use(datalist: list[dict[str, str]]) -> None:
    missing = [{"image": "absent.nii", "label": "absent.nii"}]
    dataset = SliceDataset(missing, read())
    assert dataset.data is missing
    # MONAI Label sets the datalist of a configured dataset.
    dataset.data = datalist
    assert len(dataset) == 9


def test_each_volume_is_read_once(datalist: list[dict[str, str]]) -> None:
    calls: list[object] = []
    count = Lambdad("label", lambda label: (calls.append(0), label)[1])
    dataset = SliceDataset(datalist, Compose([*read().transforms, count]))
    for epoch in range(2):
        dataset.set_epoch(epoch)
        images(dataset)
    assert len(calls) == len(datalist)


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


@pytest.mark.parametrize(
    "transform",
    [
        LoadImaged(KEYS),
        Compose([*read().transforms, Lambdad("label", lambda label: label[..., 1:])]),
        Compose([*read().transforms, Lambdad("label", lambda label: label.repeat(2, 1, 1, 1))]),
    ],
)
def test_wrong_shapes_name_the_case(
    datalist: list[dict[str, str]], transform: Compose | LoadImaged
) -> None:
    with pytest.raises(ValueError, match=r"case 'c0': transform gives .* EnsureChannelFirstd"):
        len(SliceDataset(datalist, transform))


def test_paths_need_not_be_ascii(datalist: list[dict[str, str]], tmp_path: Path) -> None:
    entry = dict(datalist[0])
    for key in KEYS:
        target = tmp_path / f"größe {key}.nii.gz"
        target.write_bytes(Path(entry[key]).read_bytes())
        entry[key] = str(target)
    assert len(SliceDataset([entry], read())) == 5


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_a_cache_in_float32_changes_no_item(
    datalist: list[dict[str, str]], tmp_path: Path, axis: int
) -> None:
    options = {"slice_transform": augment(), "slice_axis": axis, "empty_fraction": 0.5, "seed": 3}
    in_memory = SliceDataset(datalist, read(), **options)
    for _ in ("made", "found"):
        cached = SliceDataset(
            datalist, read(), **options, cache_dir=tmp_path, cache_dtype="float32"
        )
        assert len(cached) == len(in_memory)
        for epoch, index in itertools.product((0, 1), range(len(in_memory))):
            for dataset in (cached, in_memory):
                dataset.set_epoch(epoch)
            one, other = cached[index], in_memory[index]
            assert one.keys() == other.keys()
            for key, value in one.items():
                if isinstance(value, torch.Tensor):
                    assert type(value) is torch.Tensor
                    assert value.dtype == torch.float32
                    assert torch.equal(value, other[key])
                else:
                    assert value == other[key]


def test_a_cache_in_float16_is_near(datalist: list[dict[str, str]], tmp_path: Path) -> None:
    normalised = Compose([*read().transforms, NormalizeIntensityd("image")])
    exact = images(SliceDataset(datalist, normalised))
    near = images(SliceDataset(datalist, normalised, cache_dir=tmp_path))
    differences = [float((one - other).abs().max()) for one, other in zip(exact, near, strict=True)]
    assert 0 < max(differences) < 1e-3


def test_a_volume_is_transformed_once_for_all_stages(
    datalist: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SliceDataset(datalist, read(), cache_dir=tmp_path)
    assert len(first) == 9

    def refuse(*_: object) -> None:
        raise AssertionError("a file was read although its volume is cached")

    monkeypatch.setattr(LoadImaged, "__call__", refuse)
    other_stage = SliceDataset(
        datalist[::-1],
        read(),
        slice_transform=augment(),
        seed=5,
        empty_fraction=0.0,
        cache_dir=tmp_path,
    )
    rows = [other_stage[index] for index in range(len(other_stage))]
    assert [(row["case"], row["slice"]) for row in rows] == [
        ("c1", 1), ("c1", 2), ("c0", 1), ("c0", 2)
    ]  # fmt: skip


def test_a_cached_dataset_is_cheap_to_hand_to_a_worker(
    datalist: list[dict[str, str]], tmp_path: Path
) -> None:
    dataset = SliceDataset(datalist, read(), cache_dir=tmp_path, cache_dtype="float32")
    # Repeated, so that the voxels would outweigh the paths.
    grown = Compose([*read().transforms, Resized(KEYS, spatial_size=(64, 64, 5), mode="nearest")])
    large = SliceDataset(datalist, grown, cache_dir=tmp_path, cache_dtype="float32")
    sizes = []
    for each in (dataset, large):
        len(each)
        sizes.append(len(pickle.dumps(each)))
    assert sizes[1] - sizes[0] < 4000
    assert torch.equal(pickle.loads(pickle.dumps(large))[2]["image"], large[2]["image"])


@pytest.mark.parametrize("cached", [False, True])
def test_an_image_may_be_several_files(
    datalist: list[dict[str, str]], tmp_path: Path, cached: bool
) -> None:
    entry = {"image": [datalist[0]["image"]] * 2, "label": datalist[0]["label"]}
    dataset = SliceDataset([entry], read(), cache_dir=tmp_path if cached else None)
    item = dataset[1]
    assert item["image"].shape == (2, 6, 8)
    assert torch.equal(*item["image"])
    assert item["case"] == item["patient"] == datalist[0]["image"]


def test_too_little_memory_is_told_early(
    datalist: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first volume's 5 slices take 1920 bytes, so as many are expected for the second.
    monkeypatch.setattr("iac_components.common.available_memory.available_memory", lambda: 2000)
    started: list[int] = []
    watched = Compose(
        [Lambdad("image", lambda file: (started.append(0), file)[1]), *read().transforms]
    )
    with pytest.raises(RuntimeError, match="cache_dir"):
        len(SliceDataset(datalist, watched))
    assert len(started) == 1
    assert len(SliceDataset(datalist[:1], watched)) == 5
    assert len(SliceDataset(datalist, read(), empty_fraction=0.0)) == 4
    assert len(SliceDataset(datalist, read(), cache_dir=tmp_path)) == 9


def test_a_missing_file_is_named(datalist: list[dict[str, str]], tmp_path: Path) -> None:
    entry = {**datalist[0], "image": "absent.nii.gz"}
    messages = []
    for cache_dir in (None, tmp_path):
        with pytest.raises(DatasetError, match=r"^'absent.nii.gz' does not exist") as caught:
            len(SliceDataset([entry], read(), cache_dir=cache_dir))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert not list(tmp_path.iterdir())


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
