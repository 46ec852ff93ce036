"""Slices of volumes, for 2-D networks: volumes are read once, slices drawn each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from iac_components.data.case import DatalistEntry
from iac_components.data.datasets.seeded import SeededDataset, Transform, plain_tensor, take_one
from iac_components.data.datasets.volume_cache import VolumeCache

__all__ = ["SliceDataset"]

Item = dict[str, torch.Tensor | str | int]


class _Volume(Protocol):
    """Slices of a volume, in memory or on disk."""

    def read(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return slice ``index`` as (C, H, W) and (1, H, W), float32, the caller's own."""
        ...


@dataclass(frozen=True)
class _VolumeInMemory:
    """Slices as tensors: images (S, C, H, W), labels (S, 1, H, W), both float32."""

    images: torch.Tensor
    labels: torch.Tensor

    def read(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        # Cloned, since a transform in place would change the slice for all epochs to come.
        return self.images[index].clone(), self.labels[index].clone()


@dataclass(frozen=True)
class _Slice:
    """One slice: its voxels (``row`` of ``volume``), patient and case."""

    volume: _Volume
    row: int
    patient: str
    case: str
    index: int


class SliceDataset(SeededDataset):
    """All slices of a datalist's volumes, in memory or in a cache on disk.

    Volumes are read and sliced at the first use of the length or an item, so that building it
    (as ``check_properties`` and MONAI Label do) costs nothing.

    Without ``cache_dir`` the slices kept are held in memory as float32. With it each volume is
    transformed once, ever: see :class:`~iac_components.data.datasets.volume_cache.VolumeCache`.
    Slices are then mapped from its files, so memory stays as it is however large the dataset, and
    every process, stage and fold that has the same volumes and transform uses the same files. The
    ranks of a job share the work of filling it.

    An item depends on seed, epoch and index alone (see
    :class:`~iac_components.data.datasets.seeded.SeededDataset`); a cache in float32 changes no bit
    of it. It is ``{"image": (C, H, W), "label": (1, H, W), "patient", "case", "slice"}``, under the
    names in ``keys``, as plain float32 tensors; H and W may differ between cases unless a transform
    makes them equal.

    Args:
        data: datalist entries with the two keys and, if known, ``patient`` and ``case``.
        transform: deterministic dictionary transforms that make each volume channel-first,
            (C, X, Y, Z); run once a volume.
        slice_transform: dictionary transforms for a slice, usually random; run for each item.
        slice_axis: the spatial axis along which volumes are sliced, 0 to 2 or -1 to -3.
        keys: names of the image and the label in ``data`` and in items.
        seed: seed of the items and of the choice of empty slices.
        empty_fraction: share of the slices without foreground that is kept, 0 to 1.
        cache_dir: folder of the cache; None holds the slices in memory.
        cache_dtype: the images' type in the cache. ``"float16"`` takes half the space and moves a
            normalised voxel by 0.05 % of its value at most, less than one step of a CT scanner's
            12 bits within a window, and what mixed precision does anyway. ``"float32"`` is exact.

    Raises:
        ValueError: if an argument is out of range, ``transform`` is random, or, with ``cache_dir``,
            cannot be described (see
            :func:`~iac_components.data.datasets.fingerprint.transform_fingerprint`); at first use,
            if a transformed volume is not (C, X, Y, Z) with a one-channel label of its size, or
            does not fit the cache's types (labels: 0 to 255).
        RuntimeError: at first use, if the slices will not fit into memory; as soon as this shows.
        OSError: at first use, if ``cache_dir`` cannot be written.
    """

    def __init__(
        self,
        data: Sequence[DatalistEntry],
        transform: Transform,
        *,
        slice_transform: Transform = None,
        slice_axis: int = -1,
        keys: tuple[str, str] = ("image", "label"),
        seed: int = 0,
        empty_fraction: float = 1.0,
        cache_dir: str | Path | None = None,
        cache_dtype: str = "float16",
    ) -> None:
        super().__init__(
            data,
            transform,
            item_transform=slice_transform,
            item_name="slice_transform",
            keys=keys,
            seed=seed,
        )
        if not -3 <= slice_axis <= 2:
            raise ValueError(f"slice_axis must be -3 to 2, not {slice_axis}.")
        if not 0 <= empty_fraction <= 1:
            raise ValueError(f"empty_fraction must be 0 to 1, not {empty_fraction}.")
        self.slice_axis = slice_axis % 3
        self.empty_fraction = empty_fraction
        self._cache = (
            None
            if cache_dir is None
            else VolumeCache(
                cache_dir,
                transform=self.transform,
                slice_axis=self.slice_axis,
                keys=keys,
                dtype=cache_dtype,
            )
        )
        self._slices: list[_Slice] | None = None

    def __len__(self) -> int:
        """Return the number of slices kept."""
        return len(self._load())

    @property
    def patients(self) -> list[str]:
        """See :attr:`SeededDataset.patients`."""
        return [chosen.patient for chosen in self._load()]

    def _transform(self, index: int) -> Item:
        """Return item ``index`` as seen in the current epoch."""
        slices = self._load()
        position = range(len(slices))[index]
        chosen = slices[position]
        image_key, label_key = self.keys
        image, label = chosen.volume.read(chosen.row)
        self._seed_item(position)
        pair = take_one(
            self._item_transform({image_key: image, label_key: label}), name="slice_transform"
        )
        return {
            image_key: plain_tensor(pair[image_key]),
            label_key: plain_tensor(pair[label_key]),
            "patient": chosen.patient,
            "case": chosen.case,
            "slice": chosen.index,
        }

    def _load(self) -> list[_Slice]:
        """Read and slice all volumes, once."""
        if self._slices is None:
            volumes = self._load_all(self._slice_volume, activity="Slicing volumes")
            self._slices = [chosen for volume in volumes for chosen in volume]
        return self._slices

    def _slice_volume(self, number: int) -> tuple[list[_Slice], int]:
        """Return the slices to keep of volume ``number``, and the memory that they hold."""
        patient, case = self._names(number)
        if self._cache is not None:
            cached = self._cache.load(
                self.data[number], lambda: self._cut_volume(number), case=case
            )
            rows = self._kept(number, cached.filled).tolist()
            return [_Slice(cached, row, patient, case, row) for row in rows], 0
        images, labels = self._cut_volume(number)
        kept = self._kept(number, (labels > 0).flatten(1).any(dim=1).numpy())
        # Indexing copies, so that slices left out are freed with their volume.
        volume = _VolumeInMemory(images[kept].contiguous(), labels[kept].contiguous())
        slices = [
            _Slice(volume, row, patient, case, index) for row, index in enumerate(kept.tolist())
        ]
        return slices, volume.images.nbytes + volume.labels.nbytes

    def _cut_volume(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Transform a volume and cut it: images (S, C, H, W), labels (S, 1, H, W)."""
        volume = self._read_volume(number)
        image, label = (volume[key].movedim(self.slice_axis + 1, 0) for key in self.keys)
        return image, label

    def _kept(self, number: int, filled: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Choose slices of volume ``number``: all with foreground, and a share of the others."""
        draws = np.random.default_rng((self.seed, number)).random(len(filled))
        return np.flatnonzero(filled | (draws < self.empty_fraction))
