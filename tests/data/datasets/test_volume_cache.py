from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monai.transforms import Compose, Identityd, Lambdad, ScaleIntensityd

from iac_components.data.datasets.volume_cache import CachedVolume, VolumeCache

KEYS = ("image", "label")
Volume = tuple[torch.Tensor, torch.Tensor]


def volume() -> Volume:
    """Three slices of two channels; the second slice has foreground."""
    image = torch.arange(3 * 2 * 4 * 5, dtype=torch.float32).reshape(3, 2, 4, 5) / 7
    label = torch.zeros(3, 1, 4, 5)
    label[1, 0, 2] = 255
    return image, label


def refuse() -> Volume:
    raise AssertionError("a volume was made although it is there")


def make_cache(directory: Path, **options: object) -> VolumeCache:
    chosen = {
        "transform": Compose(Identityd(KEYS)),
        "slice_axis": 2,
        "keys": KEYS,
        "dtype": "float32",
        **options,
    }
    return VolumeCache(directory / "cache", **chosen)  # type: ignore[arg-type]


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, str | list[str]]:
    """An image of two files, and a label map; what is in them does not matter here."""
    files = [tmp_path / name for name in ("t1.nii", "t2.nii", "label.nii")]
    for file in files:
        file.write_bytes(b"voxels")
    return {
        "image": [str(files[0]), str(files[1])],
        "label": str(files[2]),
        "case": "c0",
        "patient": "p0",
    }


def folder_of(kept: CachedVolume) -> Path:
    return kept.image.file.parent


def is_found(cache: VolumeCache, entry: dict[str, str | list[str]]) -> bool:
    made: list[bool] = []
    cache.load(entry, lambda: (made.append(True), volume())[1], case="c0")
    return not made


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


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _cut_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:40])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b" ")


def _foreign(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 an archive")


def _other_array(file: Path) -> None:
    np.save(file, np.zeros((2, 2)))


def _pickled(file: Path) -> None:
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)


def _other_shape(file: Path) -> None:
    array = np.load(file)
    np.save(file, array[:-1])


@pytest.mark.parametrize("name", ["image.npy", "label.npy", "filled.npy"])
@pytest.mark.parametrize(
    "damage", [_cut, _cut_header, _empty, _longer, _foreign, _other_array, _pickled, _other_shape]
)
def test_a_damaged_volume_is_made_anew(
    tmp_path: Path,
    entry: dict[str, str | list[str]],
    caplog: pytest.LogCaptureFixture,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    cache = make_cache(tmp_path)
    kept = cache.load(entry, volume, case="c0")
    damage(folder_of(kept) / name)
    with caplog.at_level(logging.WARNING):
        assert not is_found(cache, entry)
    (line,) = caplog.messages
    assert line.startswith(f"Cached volume '{folder_of(kept)}' is damaged; writing it again: ")
    assert "\n" not in line
    assert is_found(cache, entry)
    assert torch.equal(cache.load(entry, refuse, case="c0").read(2)[0], volume()[0][2])


@pytest.mark.parametrize("missing", ["image.npy", "label.npy"])
def test_a_missing_file_is_made_anew(
    tmp_path: Path, entry: dict[str, str | list[str]], missing: str
) -> None:
    cache = make_cache(tmp_path)
    (cache.load(entry, volume, case="c0").image.file.parent / missing).unlink()
    assert not is_found(cache, entry)
    assert is_found(cache, entry)


@pytest.mark.parametrize("name", ["image.npy", "label.npy", "filled.npy"])
def test_what_was_interrupted_is_not_found(
    tmp_path: Path,
    entry: dict[str, str | list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    replace = os.replace

    def die(source: str, target: Path) -> None:
        if target.name == name:
            raise KeyboardInterrupt
        replace(source, target)

    cache = make_cache(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            cache.load(entry, volume, case="c0")
    assert not list(cache.directory.rglob("*.tmp*"))
    assert not is_found(cache, entry)
    # A half-finished volume is nothing to warn of.
    assert not caplog.messages
    assert is_found(cache, entry)


def test_two_that_write_at_once_do_no_harm(
    tmp_path: Path, entry: dict[str, str | list[str]]
) -> None:
    barrier = threading.Barrier(2, timeout=500)
    found: list[CachedVolume] = []

    def make() -> Volume:
        # Both have found nothing.
        barrier.wait()
        return volume()

    def work() -> None:
        found.append(make_cache(tmp_path).load(entry, make, case="c0"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert {folder_of(kept) for kept in found} == {folder_of(found[0])}
    assert all(torch.equal(kept.read(1)[0], volume()[0][1]) for kept in found)
    assert len(list(folder_of(found[0]).iterdir())) == 3


def test_a_volume_lost_in_use_is_named(tmp_path: Path, entry: dict[str, str | list[str]]) -> None:
    kept = make_cache(tmp_path).load(entry, volume, case="c0")
    _cut(folder_of(kept) / "image.npy")
    with pytest.raises(OSError, match=r"cached volume '.*' was changed while in use.*Start again"):
        kept.read(0)


def test_a_directory_that_cannot_be_written(
    tmp_path: Path, entry: dict[str, str | list[str]]
) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(OSError, match=r"cache_dir '.*cache' cannot be written .*leave cache_dir"):
        make_cache(tmp_path).load(entry, volume, case="c0")


def test_a_read_only_cache_is_read(tmp_path: Path, entry: dict[str, str | list[str]]) -> None:
    cache = make_cache(tmp_path)
    folder = cache.load(entry, volume, case="c0").image.file.parent
    for path in (*folder.iterdir(), folder, cache.directory):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert is_found(cache, entry)
    finally:
        for path in (cache.directory, folder):
            path.chmod(0o755)


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
