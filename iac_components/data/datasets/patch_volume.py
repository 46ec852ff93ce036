"""Whole volume to take patches from, in memory or on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from monai.transforms import Compose

from iac_components.data.datasets.array_cache import ArrayCache, named_if_changed
from iac_components.data.datasets.array_file import ArrayFile

__all__ = [
    "PatchVolume",
    "VolumeInMemory",
    "VolumeOnDisk",
    "compact_index",
    "compact_label",
    "patch_cache",
]

_FORMAT = "iac_components volumes 1"


class PatchVolume(Protocol):
    """A volume, in memory or on disk."""

    def read(self) -> tuple[torch.Tensor, ...]:
        """Return image (C, X, Y, Z), label (1, X, Y, Z) and other keys.

        They may be the volume itself: copy what is to be changed or to be kept.
        """
        ...


@dataclass(frozen=True)
class VolumeInMemory:
    """Tensors of a volume: the image, the label, and other keys."""

    tensors: tuple[torch.Tensor, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of memory in use."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def read(self) -> tuple[torch.Tensor, ...]:
        """Return the tensors themselves."""
        return self.tensors


@dataclass(frozen=True)
class VolumeOnDisk:
    """Files of a volume: the image, the label, and other keys."""

    arrays: tuple[ArrayFile, ...]

    def __post_init__(self) -> None:
        """Raise ValueError unless the first two are an image and its label."""
        image, label = self.arrays[:2]
        fits = (
            image.dtype == np.float32
            and len(image.shape) == 4
            and label.shape == (1, *image.shape[1:])
        )
        if not fits:
            raise ValueError(
                f"an image {image.dtype} {image.shape} and a label map {label.shape} are not one "
                "volume."
            )

    def read(self) -> tuple[torch.Tensor, ...]:
        """Map the files: crops read only their patch.

        Raises:
            OSError: if a file was removed or cut off since it was found.
        """
        with named_if_changed(self.arrays[0].file.parent):
            # Writable, as torch has no tensors that are not; it does not reach the file.
            return tuple(torch.from_numpy(array.map(writable=True)) for array in self.arrays)


def patch_cache(
    directory: str | Path, *, transform: Compose, keys: Sequence[str]
) -> ArrayCache[VolumeOnDisk]:
    """Return a cache of whole volumes.

    A volume's folder holds ``image.npy`` (C, X, Y, Z) in float32, ``label.npy`` (1, X, Y, Z), and
    ``carried_0.npy`` and so on.

    Args:
        directory: made when first written.
        transform: the deterministic transform of a volume.
        keys: names of the image, of the label and of what else is carried.

    Raises:
        ValueError: if the transform cannot be described.
    """
    return ArrayCache(
        directory,
        transform=transform,
        settings=(_FORMAT, *keys),
        names=("image", "label", *(f"carried_{index}" for index in range(len(keys) - 2))),
        open_volume=_open,
    )


def _open(arrays: Sequence[ArrayFile]) -> VolumeOnDisk:
    return VolumeOnDisk(tuple(arrays))


def compact_label(label: torch.Tensor) -> torch.Tensor:
    """Return a float32 label in the smallest type without loss, or unchanged.

    Never uint8: PyTorch's ``any`` of it is no bool, and MONAI (1.6) then takes the complement of
    its bits for the background, in which crops draw foreground as well.
    """
    for dtype in (torch.int8, torch.int16):
        stored = label.to(dtype)
        if torch.equal(stored.to(label.dtype), label):
            return stored
    return label


def compact_index(values: torch.Tensor) -> torch.Tensor:
    """Return whole numbers of 64 bits in 32 if they fit, else the values as they are.

    No smaller type: MONAI divides an index by a volume's sizes in the index's own type, in which
    a size that does not fit would be another.
    """
    limits = torch.iinfo(torch.int32)
    if values.dtype != torch.int64 or not values.numel():
        return values
    fits = int(values.min()) >= limits.min and int(values.max()) <= limits.max
    return values.to(torch.int32) if fits else values
