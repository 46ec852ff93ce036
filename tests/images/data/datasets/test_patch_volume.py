from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import Compose, Identityd

from iac_components.data.datasets.patch_volume import compact_index, compact_label, patch_cache

Arrays = list[np.ndarray]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 1, 127], torch.int8),
        ([-1, 3], torch.int8),
        ([0, 128], torch.int16),
        ([-32768, 255], torch.int16),
        ([0, 32768], torch.float32),
        ([0, 0.5], torch.float32),
        ([0, float("nan")], torch.float32),
        ([0, float("inf")], torch.float32),
    ],
)
def test_the_smallest_type_for_a_label(values: list[float], dtype: torch.dtype) -> None:
    label = torch.tensor(values, dtype=torch.float32)
    assert compact_label(label).dtype == dtype
    assert np.array_equal(compact_label(label).float().numpy(), label.numpy(), equal_nan=True)


@given(st.lists(st.floats(width=32), min_size=1, max_size=4))
def test_a_label_loses_nothing(values: list[float]) -> None:
    label = torch.tensor(values, dtype=torch.float32)
    assert np.array_equal(compact_label(label).float().numpy(), label.numpy(), equal_nan=True)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (torch.tensor([0, 2**31 - 1]), torch.int32),
        (torch.tensor([0, 2**31]), torch.int64),
        (torch.tensor([-(2**31) - 1]), torch.int64),
        (torch.tensor([], dtype=torch.int64), torch.int64),
        (torch.tensor([1.5], dtype=torch.float64), torch.float64),
        (torch.tensor([True]), torch.bool),
    ],
)
def test_indices_take_half_the_space_if_they_fit(values: torch.Tensor, dtype: torch.dtype) -> None:
    assert compact_index(values).dtype == dtype
    assert torch.equal(compact_index(values).to(values.dtype), values)


def volume() -> Arrays:
    image = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    return [image, np.ones((1, 2, 3, 4), np.uint8), np.array([], np.int32)]


def load(folder: Path, arrays: Arrays) -> tuple[torch.Tensor, ...]:
    cache = patch_cache(
        folder, transform=Compose(Identityd("image")), keys=("image", "label", "indices")
    )
    return cache.load({"case": "c0"}, lambda: arrays).read()


def test_what_is_kept_is_read_back_and_cannot_be_spoiled(tmp_path: Path) -> None:
    for _ in range(2):
        read = load(tmp_path, volume())
        assert [tensor.dtype for tensor in read] == [torch.float32, torch.uint8, torch.int32]
        for tensor, array in zip(read, volume(), strict=True):
            assert np.array_equal(tensor.numpy(), array)
            # Neither does this reach the file, nor does it crash.
            tensor.zero_()
    assert [file.name for file in sorted(tmp_path.rglob("*.npy"))] == [
        "carried_0.npy",
        "image.npy",
        "label.npy",
    ]


@pytest.mark.parametrize("name", ["image.npy", "label.npy", "carried_0.npy"])
def test_a_damaged_volume_is_made_anew(tmp_path: Path, name: str) -> None:
    load(tmp_path, volume())
    (file,) = tmp_path.rglob(name)
    file.write_bytes(file.read_bytes()[:-1] if file.stat().st_size > 200 else b"x")
    assert torch.equal(load(tmp_path, volume())[0], torch.from_numpy(volume()[0]))


@pytest.mark.parametrize(
    "arrays",
    [
        [np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 2)), np.zeros(1)],
        [np.zeros((2, 2, 2), np.float32), np.zeros((1, 2, 2)), np.zeros(1)],
        [np.zeros((1, 2, 2, 2), np.float32), np.zeros((1, 2, 2, 3)), np.zeros(1)],
    ],
)
def test_what_is_no_volume_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    with pytest.raises(ValueError, match="are not one volume"):
        load(tmp_path, arrays)


def test_a_volume_lost_in_use_is_named(tmp_path: Path) -> None:
    cache = patch_cache(tmp_path, transform=Compose(Identityd("image")), keys=("image", "label"))
    found = cache.load({"case": "c0"}, lambda: volume()[:2])
    found.arrays[0].file.unlink()
    with pytest.raises(OSError, match=r"cached volume '.*' was changed while in use.*Start again"):
        found.read()
