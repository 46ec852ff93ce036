"""Transformed volumes on disk, cut into slices, which all processes and stages of a job share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.transforms import Compose
from numpy.typing import NDArray

from iac_components.data.case import DatalistEntry
from iac_components.data.datasets.array_cache import ArrayCache, named_if_changed
from iac_components.data.datasets.array_file import ArrayFile

__all__ = ["CachedVolume", "VolumeCache"]

_FORMAT = "iac_components slices 1"

Volume = tuple[torch.Tensor, torch.Tensor]
"""Slices of an image, (S, C, H, W), and of its label map, (S, 1, H, W), both float32."""


@dataclass(frozen=True)
class CachedVolume:
    """A volume on disk.

    Attributes:
        image: slices of the image, (S, C, H, W).
        label: slices of the label map, (S, 1, H, W), uint8.
        filled: (S,), whether a slice has foreground; in memory.
    """

    image: ArrayFile
    label: ArrayFile
    filled: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays are a volume's."""
        shape = (len(self.filled), *self.image.shape[1:])
        fits = (
            self.filled.dtype == np.bool_
            and self.label.dtype == np.uint8
            and len(shape) == 4
            and self.image.shape == shape
            and self.label.shape == (shape[0], 1, *shape[2:])
        )
        if not fits:
            raise ValueError(
                f"an image {self.image.dtype} {self.image.shape}, a label map {self.label.dtype} "
                f"{self.label.shape} and {self.filled.shape} marks are not one volume."
            )

    def read(self, index: int) -> Volume:
        """Return slice ``index`` as (C, H, W) and (1, H, W), float32, the caller's own.

        Raises:
            OSError: if a file was removed or cut off since it was found.
        """
        with named_if_changed(self.image.file.parent):
            # A copy: a map is read-only, and of float16 or bytes.
            image, label = (
                torch.from_numpy(array.map()[index].astype(np.float32))
                for array in (self.image, self.label)
            )
        return image, label


class VolumeCache:
    """Volumes on disk, cut into slices, kept as an :class:`.ArrayCache` keeps arrays.

    A volume's folder holds ``image.npy`` (S, C, H, W), ``label.npy`` (S, 1, H, W) in uint8 and
    ``filled.npy`` (S,), whether a slice has foreground, so that opening reads no image. S runs
    along the slice axis: a slice is one piece of the file, which a memory map reads alone.

    Args:
        directory: made when first written; that it is there already, or read-only, does no harm.
        transform: the deterministic transform of a volume.
        slice_axis: the spatial axis of the slices, 0 to 2.
        keys: names of the image and the label in an entry.
        dtype: of the image's voxels, ``"float16"`` or ``"float32"``.

    Raises:
        ValueError: if ``dtype`` is another, or the transform cannot be described.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        transform: Compose,
        slice_axis: int,
        keys: tuple[str, str],
        dtype: str,
    ) -> None:
        if dtype not in ("float16", "float32"):
            raise ValueError(f"cache_dtype must be 'float16' or 'float32', not {dtype!r}.")
        self.dtype = np.dtype(dtype)
        self._cache = ArrayCache(
            directory,
            transform=transform,
            settings=(_FORMAT, slice_axis, keys, dtype),
            names=("image", "label", "filled"),
            open_volume=self._open,
        )
        self.directory = self._cache.directory

    def load(self, entry: DatalistEntry, make: Callable[[], Volume], *, case: str) -> CachedVolume:
        """Find a volume, or create and keep it.

        Args:
            entry: the volume in the datalist.
            make: reads, transforms and slices it.
            case: what a message calls it.

        Raises:
            ValueError: if the voxels do not fit the data types; the message says which.
            OSError: if the directory cannot be written.
        """

        def arrays() -> tuple[NDArray[np.generic], ...]:
            image, label = (part.numpy() for part in make())
            filled = np.asarray((label > 0).any(axis=(1, 2, 3)))
            return _rounded(image, self.dtype, case), _label_bytes(label, case), filled

        return self._cache.load(entry, arrays)

    def _open(self, arrays: Sequence[ArrayFile]) -> CachedVolume:
        """Make a volume of its files."""
        image, label, filled = arrays
        if image.dtype != self.dtype:
            raise ValueError(f"{image.file.name}: {image.dtype} instead of {self.dtype}.")
        return CachedVolume(image, label, np.array(filled.map(), dtype=filled.dtype))


def _rounded(
    image: NDArray[np.float32], dtype: np.dtype[np.generic], case: str
) -> NDArray[np.generic]:
    """Round voxels to ``dtype``.

    Raises:
        ValueError: if that moves a voxel by more than a thousandth of the image's range. Float16
            keeps 11 bits: half of that at most, unless zero is far from the range, or voxels are
            beyond 65504 or all below 1e-4.
    """
    if dtype == image.dtype:
        return image
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = image.astype(dtype)
        error = np.abs(rounded.astype(np.float32) - image).max()
    low, high = image.min(), image.max()
    # Not "error > ...", which NaN would pass.
    if not error <= 1e-3 * ((high - low) or abs(high)):
        raise ValueError(
            f"case '{case}': voxels from {low:g} to {high:g} do not fit cache_dtype '{dtype}'. "
            "Set cache_dtype to 'float32', or normalise the image in transform."
        )
    return rounded


def _label_bytes(label: NDArray[np.float32], case: str) -> NDArray[np.uint8]:
    """Store a label map in bytes.

    Raises:
        ValueError: if a label is not a whole number from 0 to 255.
    """
    with np.errstate(invalid="ignore"):
        stored = label.astype(np.uint8)
    wrong = label[stored != label]
    if wrong.size:
        raise ValueError(
            f"case '{case}': label {wrong[0]:g} is not a whole number from 0 to 255. Correct the "
            "label map, or leave cache_dir out."
        )
    return stored
