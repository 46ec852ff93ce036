"""Volumes in a cache of the tests, and a check that one is found."""

from __future__ import annotations

from pathlib import Path

import torch
from monai.transforms import Compose, Identityd

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


def write_entry(folder: Path) -> dict[str, str | list[str]]:
    """An image of two files, and a label map; what is in them does not matter here."""
    files = [folder / name for name in ("t1.nii", "t2.nii", "label.nii")]
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
