"""Volumes of a dataset of slices are read once, cached, and checked."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import pytest
import torch
from monai.transforms import (
    Compose,
    Lambdad,
    LoadImaged,
    NormalizeIntensityd,
    Resized,
)
from slice_volumes import KEYS, augment, images, read, write_datalist

from iac_components.data import DatasetError, SliceDataset


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return write_datalist(tmp_path_factory.mktemp("volumes"))


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
