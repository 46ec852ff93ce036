"""Patches of volumes, for 3-D networks: volumes are read once, patches drawn each epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from monai.transforms import (
    CenterSpatialCropd,
    RandCropByLabelClassesd,
    RandCropByPosNegLabeld,
    RandSpatialCropd,
    RandWeightedCropd,
    SpatialCropd,
)

from iac_components.data.case import DatalistEntry
from iac_components.data.datasets.patch_volume import (
    PatchVolume,
    VolumeInMemory,
    compact_index,
    compact_label,
    patch_cache,
)
from iac_components.data.datasets.seeded import (
    SeededDataset,
    Transform,
    plain_tensor,
    take_one,
    without_metadata,
)

__all__ = ["VolumePatchDataset"]

Item = dict[str, torch.Tensor | str]

_CROPS = (
    CenterSpatialCropd,
    RandCropByLabelClassesd,
    RandCropByPosNegLabeld,
    RandSpatialCropd,
    RandWeightedCropd,
    SpatialCropd,
)
"""Transforms that take a part of a volume and leave the volume as it is."""


@dataclass(frozen=True)
class _Case:
    """One volume and where it comes from."""

    volume: PatchVolume
    patient: str
    case: str


class VolumePatchDataset(SeededDataset):
    """Patches of a datalist's volumes, which are held in memory or in a cache on disk.

    Volumes are read and transformed at the first use of the length or an item, so that building
    it (as ``check_properties`` and MONAI Label do) costs nothing.

    Without ``cache_dir`` volumes are held in memory: the image as float32, the label in the
    smallest type that loses nothing. With it each volume is transformed once, ever: see
    :class:`~iac_components.data.datasets.array_cache.ArrayCache`. Patches are then mapped from its
    files, in which the image is float32 too; a cache changes no bit of an item.

    An item depends on seed, epoch and index alone (see
    :class:`~iac_components.data.datasets.seeded.SeededDataset`). It is ``{"image": (C, X, Y, Z),
    "label": (1, X, Y, Z), "patient", "case"}``, under the names in ``keys``, as plain float32
    tensors.

    Crops at the beginning of ``patch_transform`` read the volume in place, and only the patch is
    copied. Copying a large volume, or looking for its foreground without carried indices, takes
    many times as long as the patch itself. Begin with one of MONAI's crops
    (``RandCropByPosNegLabeld``, ``RandCropByLabelClassesd``, ``RandSpatialCropd``,
    ``RandWeightedCropd``, ``SpatialCropd``, ``CenterSpatialCropd``), and have
    ``transform`` pad what is smaller than a patch.

    Args:
        data: datalist entries with the two keys and, if known, ``patient`` and ``case``.
        transform: deterministic dictionary transforms that make each volume channel-first,
            (C, X, Y, Z); run once a volume.
        patch_transform: dictionary transforms that take a patch, usually random; run for each
            item. MONAI's crops give a list; it must hold one patch (``num_samples=1``).
        patches_per_volume: patches of a volume in an epoch; item i is of volume i modulo their
            number.
        keys: names of the image and the label in ``data`` and in items.
        carried_keys: further tensors that ``transform`` adds to a volume and ``patch_transform``
            reads, such as ``label_fg_indices`` and ``label_bg_indices`` of ``FgBgToIndicesd``
            (which must follow all that changes the volume's size). Indices come in 32 bits.
        seed: seed of the items.
        cache_dir: folder of the cache; None holds the volumes in memory.

    Raises:
        ValueError: if an argument is out of range, ``transform`` is random, or, with ``cache_dir``,
            cannot be described (see
            :func:`~iac_components.data.datasets.fingerprint.transform_fingerprint`); at first use,
            if a transformed volume is not (C, X, Y, Z) with a one-channel label of its size, lacks
            a carried key, or ``patch_transform`` gives several patches.
        RuntimeError: at first use, if the volumes will not fit into memory; as soon as this shows.
        OSError: at first use, if ``cache_dir`` cannot be written.
    """

    def __init__(
        self,
        data: Sequence[DatalistEntry],
        transform: Transform,
        *,
        patch_transform: Transform = None,
        patches_per_volume: int = 1,
        keys: tuple[str, str] = ("image", "label"),
        carried_keys: Sequence[str] = (),
        seed: int = 0,
        cache_dir: str | Path | None = None,
    ) -> None:
        super().__init__(
            data,
            transform,
            item_transform=patch_transform,
            item_name="patch_transform",
            keys=keys,
            seed=seed,
        )
        if patches_per_volume < 1:
            raise ValueError(f"patches_per_volume must be at least 1, not {patches_per_volume}.")
        # Only in a flat list do the crops at the beginning show.
        self._item_transform = self._item_transform.flatten()
        self._num_crops = len(list(takewhile(_is_crop, self._item_transform.transforms)))
        self.patches_per_volume = patches_per_volume
        self.carried_keys = tuple(carried_keys)
        self._cache = (
            None
            if cache_dir is None
            else patch_cache(cache_dir, transform=self.transform, keys=(*keys, *self.carried_keys))
        )
        self._cases: list[_Case] | None = None

    def __len__(self) -> int:
        """Return the number of patches in an epoch."""
        return len(self._load()) * self.patches_per_volume

    @property
    def patients(self) -> list[str]:
        """See :attr:`SeededDataset.patients`."""
        return self.volume_patients * self.patches_per_volume

    @property
    def volume_patients(self) -> list[str]:
        """Patient of each volume."""
        return [case.patient for case in self._load()]

    def require_crop(self) -> None:
        """Check that ``patch_transform`` begins with a crop.

        Raises:
            ValueError: if it does not.
        """
        if not self._num_crops:
            raise ValueError(
                "patch_transform begins with no crop, so that patches without augmentation would "
                "be whole volumes. Begin it with one of MONAI's crops, such as "
                "RandCropByPosNegLabeld."
            )

    def fixed_patch(self, index: int) -> Item:
        """Return a patch of volume ``index`` modulo their number, cropped only.

        It depends on seed and index, and neither on the epoch nor on ``patches_per_volume``.
        """
        cases = self._load()
        self._seed_item(index, epoch=0)
        return self._patch(cases[index % len(cases)], end=self._num_crops)

    def _transform(self, index: int) -> Item:
        """Return item ``index`` as seen in the current epoch."""
        cases = self._load()
        position = range(len(self))[index]
        self._seed_item(position)
        return self._patch(cases[position % len(cases)])

    def _patch(self, chosen: _Case, *, end: int | None = None) -> Item:
        """Draw a patch of a volume, with the steps of the patch transform before ``end``."""
        names = (*self.keys, *self.carried_keys)
        volume = dict(zip(names, chosen.volume.read(), strict=True))
        patch = self._run(volume, end=self._num_crops)
        # The volume itself until here, which must stay as it is for all items to come.
        patch = {key: _own(value, is_voxels=key in self.keys) for key, value in patch.items()}
        patch = self._run(patch, start=self._num_crops, end=end)
        return {
            **{key: plain_tensor(patch[key]) for key in self.keys},
            "patient": chosen.patient,
            "case": chosen.case,
        }

    def _run(
        self, values: dict[str, torch.Tensor], *, start: int = 0, end: int | None = None
    ) -> dict[str, torch.Tensor]:
        """Apply some steps of the patch transform."""
        with warnings.catch_warnings():
            # MONAI warns of each healthy case that it crops from the background alone, as it must.
            warnings.filterwarnings("ignore", message="Num foregrounds")
            result = self._item_transform(values, start=start, end=end)
        return take_one(result, name="patch_transform")

    def _load(self) -> list[_Case]:
        """Read all volumes, once."""
        if self._cases is None:
            self._cases = self._load_all(self._load_case, activity="Reading volumes")
        return self._cases

    def _load_case(self, number: int) -> tuple[_Case, int]:
        """Return volume ``number``, and the memory that it holds."""
        patient, case = self._names(number)
        if self._cache is not None:
            cached = self._cache.load(
                self.data[number], lambda: [part.numpy() for part in self._tensors(number)]
            )
            return _Case(cached, patient, case), 0
        volume = VolumeInMemory(self._tensors(number))
        return _Case(volume, patient, case), volume.nbytes

    def _tensors(self, number: int) -> tuple[torch.Tensor, ...]:
        """Transform a volume to image, label and other keys, each in its smallest type."""
        volume = self._read_volume(number)
        image, label = (volume[key] for key in self.keys)
        carried = []
        for key in self.carried_keys:
            value = volume.get(key)
            if not isinstance(value, torch.Tensor | np.ndarray):
                raise ValueError(
                    f"case '{self._names(number)[1]}': transform gives {type(value).__name__} for "
                    f"'{key}' of carried_keys, not a tensor. Correct the name; known are "
                    f"{', '.join(map(str, volume))}."
                )
            carried.append(compact_index(without_metadata(value)))
        tensors = (image, compact_label(label), *carried)
        # A crop may have left a view, with which the whole volume would be held.
        return tuple(part.clone(memory_format=torch.contiguous_format) for part in tensors)


def _is_crop(step: Callable[..., object]) -> bool:
    return isinstance(step, _CROPS)


def _own(value: torch.Tensor, *, is_voxels: bool) -> torch.Tensor:
    """Copy a tensor, voxels to float32."""
    return plain_tensor(value, copy=True) if is_voxels else without_metadata(value).clone()
