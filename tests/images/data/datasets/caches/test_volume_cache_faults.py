"""Damaged, missing and interrupted volumes of a cache are written again or named."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cached_volumes import Volume, folder_of, is_found, make_cache, refuse, volume, write_entry

from iac_components.data.datasets.volume_cache import CachedVolume


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, str | list[str]]:
    return write_entry(tmp_path)


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
def test_a_damaged_volume_is_written_again(
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
def test_a_missing_file_is_written_again(
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
