"""Volumes of a cache are found again as they were kept, and other ones are not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from cached_volumes import folder_of, is_found, make_cache, refuse, volume, write_entry
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monai.transforms import Compose, Lambdad, ScaleIntensityd


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, str | list[str]]:
    return write_entry(tmp_path)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_is_kept_is_read_back(
    tmp_path: Path, entry: dict[str, str | list[str]], dtype: str
) -> None:
    image, label = volume()
    written = make_cache(tmp_path, dtype=dtype).load(entry, volume, case="c0")
    found = make_cache(tmp_path, dtype=dtype).load(entry, refuse, case="c0")
    for kept in (written, found):
        assert kept.filled.tolist() == [False, True, False]
        for index in range(3):
            one, other = kept.read(index)
            assert one.dtype == other.dtype == torch.float32
            assert one.is_contiguous()
            assert other.is_contiguous()
            assert torch.equal(one, image[index].to(getattr(torch, dtype)).float())
            assert torch.equal(other, label[index])
    assert {
        file.name: (np.load(file).dtype.name, np.load(file).shape)
        for file in folder_of(found).iterdir()
    } == {
        "image.npy": (dtype, (3, 2, 4, 5)),
        "label.npy": ("uint8", (3, 1, 4, 5)),
        "filled.npy": ("bool", (3,)),
    }


def test_slices_are_the_callers_own(tmp_path: Path, entry: dict[str, str | list[str]]) -> None:
    kept = make_cache(tmp_path).load(entry, volume, case="c0")
    for part in kept.read(1):
        part.fill_(9)
    assert torch.equal(kept.read(1)[0], volume()[0][1])


def test_no_file_stays_open(tmp_path: Path, entry: dict[str, str | list[str]]) -> None:
    kept = make_cache(tmp_path).load(entry, volume, case="c0")
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc to count open files in")
    before = len(list(descriptors.iterdir()))
    held = [kept.read(index % 3) for index in range(50)]
    assert len(list(descriptors.iterdir())) <= before
    assert len(held) == 50


@pytest.mark.parametrize(
    "change",
    [
        {"slice_axis": 1},
        {"dtype": "float16"},
        {"keys": ("label", "image")},
        {"transform": Compose(ScaleIntensityd("image"))},
    ],
)
def test_other_settings_are_another_volume(
    tmp_path: Path, entry: dict[str, str | list[str]], change: dict[str, object]
) -> None:
    assert not is_found(make_cache(tmp_path), entry)
    assert is_found(make_cache(tmp_path), entry)
    assert not is_found(make_cache(tmp_path, **change), entry)


@pytest.mark.parametrize("name", ["t1.nii", "t2.nii", "label.nii"])
@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_another_volume(
    tmp_path: Path, entry: dict[str, str | list[str]], name: str, change: str
) -> None:
    cache = make_cache(tmp_path)
    assert not is_found(cache, entry)
    file = tmp_path / name
    status = file.stat()
    if change == "size":
        file.write_bytes(b"other voxels")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert not is_found(cache, entry)


def test_channels_in_another_order_are_another_volume(
    tmp_path: Path, entry: dict[str, str | list[str]]
) -> None:
    cache = make_cache(tmp_path)
    assert not is_found(cache, entry)
    assert not is_found(cache, {**entry, "image": list(reversed(entry["image"]))})
    # The order of the keys says nothing.
    assert is_found(cache, dict(reversed(entry.items())))


def test_a_path_may_be_relative(
    tmp_path: Path, entry: dict[str, str | list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_found(make_cache(tmp_path), entry)
    monkeypatch.chdir(tmp_path)
    assert is_found(make_cache(tmp_path), {**entry, "label": "label.nii"})


@pytest.mark.parametrize("value", [-1.0, 0.5, 256.0, 1e9, float("nan"), float("inf")])
def test_labels_that_do_not_fit_a_byte(
    tmp_path: Path, entry: dict[str, str | list[str]], value: float
) -> None:
    image, label = volume()
    label[0, 0, 0, 0] = value
    cache = make_cache(tmp_path)
    with pytest.raises(ValueError, match=rf"case 'c7': label {re.escape(f'{value:g}')} is not"):
        cache.load(entry, lambda: (image, label), case="c7")
    assert not cache.directory.exists()


@settings(max_examples=30)
@given(
    arrays.arrays(
        np.float32,
        (2, 1, 3, 3),
        elements=st.floats(-60000, 60000, width=32).filter(lambda x: x == 0 or abs(x) > 1e-4),
    )
)
def test_float16_is_near_where_zero_is_in_the_range(
    tmp_path_factory: pytest.TempPathFactory, voxels: np.ndarray
) -> None:
    voxels[0, 0, 0, 0] = 0
    image = torch.from_numpy(voxels)
    cache = make_cache(tmp_path_factory.mktemp("near"), dtype="float16")
    entry: dict[str, str | list[str]] = {"image": "none", "label": "none"}
    kept = cache.load(entry, lambda: (image, torch.zeros_like(image)), case="c0")
    for index in range(2):
        read = kept.read(index)[0]
        assert torch.all((read - image[index]).abs() <= 2**-11 * image[index].abs() + 1e-7)


@pytest.mark.parametrize(
    "voxels",
    [[0, 7e4], [30000, 30010], [0, 1e-8], [1.7e6, 1.7e6], [0, float("nan")], [0, float("inf")]],
)
def test_voxels_that_float16_would_spoil(
    tmp_path: Path, entry: dict[str, str | list[str]], voxels: list[float]
) -> None:
    image = torch.tensor(voxels).reshape(2, 1, 1, 1)
    label = torch.zeros_like(image)
    with pytest.raises(ValueError, match=r"case 'c7': voxels .* do not fit .*'float32'"):
        make_cache(tmp_path, dtype="float16").load(entry, lambda: (image, label), case="c7")
    kept = make_cache(tmp_path).load(entry, lambda: (image, label), case="c7")
    assert np.array_equal(kept.read(1)[0].numpy(), image[1].numpy(), equal_nan=True)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3])
def test_a_constant_image_fits(
    tmp_path: Path, entry: dict[str, str | list[str]], value: float
) -> None:
    image = torch.full((2, 1, 3, 3), value)
    cache = make_cache(tmp_path, dtype="float16")
    assert cache.load(entry, lambda: (image, image * 0), case="c0").read(0)[0].shape == (1, 3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "cache_dtype must be 'float16' or 'float32', not 'int8'"),
        (
            {"transform": Compose(Lambdad("image", lambda image: image))},
            r"transform\.transforms\[0\]\.func\[0\] is a .*<lambda>.*Or leave cache_dir out",
        ),
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_cache(tmp_path, **options)
