"""Transformed volumes on disk, cut into slices, which all processes and stages of a job share."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.transforms import Compose
from numpy.typing import NDArray

from iac_components.data.array_file import ArrayFile, open_array, write_array
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.fingerprint import describe

__all__ = ["CachedVolume", "VolumeCache"]

_FORMAT = "iac_components slices 1"
_IMAGE, _LABEL, _FILLED = "image.npy", "label.npy", "filled.npy"
_LOGGER = logging.getLogger("iac_components.data")

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
        try:
            # A copy: a map is read-only, and of float16 or bytes.
            image, label = (
                torch.from_numpy(array.map()[index].astype(np.float32))
                for array in (self.image, self.label)
            )
        except (OSError, ValueError) as error:
            raise OSError(
                f"cached volume '{self.image.file.parent}' was changed while in use ({error}). "
                "Start again: what is missing is made anew."
            ) from error
        return image, label


class VolumeCache:
    """Volumes on disk, each found by its source files and by what was done to them.

    A volume has a folder of its own, named by a digest of its datalist entry, the size and time of
    the files therein, the transform (see :func:`describe`), the slice axis, the keys and the data
    type. It holds ``image.npy`` (S, C, H, W), ``label.npy`` (S, 1, H, W) in uint8 and
    ``filled.npy`` (S,), whether a slice has foreground, so that opening reads no image. S runs
    along the slice axis: a slice is one piece of the file, which a memory map reads alone.

    Every file replaces its predecessor at once and ``filled.npy`` comes last, so a volume that is
    found is whole; two processes that make the same volume write the same files. The files'
    headers and sizes are checked, their voxels are not. Nothing is ever removed: to free the
    space, remove ``directory``.

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
        try:
            description = describe(transform)
        except ValueError as error:
            raise ValueError(f"{error} Or leave cache_dir out.") from error
        self.directory = Path(directory).expanduser().absolute()
        self.dtype = np.dtype(dtype)
        self._settings = (_FORMAT, description, slice_axis, keys, dtype)

    def load(self, entry: DatalistEntry, make: Callable[[], Volume], *, case: str) -> CachedVolume:
        """Find a volume, or make and keep it.

        Args:
            entry: the volume in the datalist.
            make: reads, transforms and slices it.
            case: what a message calls it.

        Raises:
            ValueError: if the voxels do not fit the data types; the message says which.
            OSError: if the directory cannot be written.
        """
        # Before it is read: a file that changes meanwhile must not be found under its new time.
        folder = self.directory / self._digest(entry)
        found = self._find(folder)
        if found is None:
            self._write(folder, make(), case)
            found = self._open(folder)
        return found

    def _digest(self, entry: DatalistEntry) -> str:
        """Name a volume by all that it is made from."""
        files = [(key, *map(_stamp, entry_files(entry, key))) for key in sorted(entry)]
        content = json.dumps([self._settings, files])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def _find(self, folder: Path) -> CachedVolume | None:
        """Return the volume in ``folder`` if it is whole."""
        if not (folder / _FILLED).exists():
            return None
        try:
            return self._open(folder)
        except (OSError, ValueError) as error:
            _LOGGER.warning(f"Cached volume '{folder}' is made anew, for it is damaged: {error}")
            return None

    def _open(self, folder: Path) -> CachedVolume:
        """Open the volume in ``folder``."""
        image, label, filled = (open_array(folder / name) for name in (_IMAGE, _LABEL, _FILLED))
        if image.dtype != self.dtype:
            raise ValueError(f"{_IMAGE}: {image.dtype} instead of {self.dtype}.")
        return CachedVolume(image, label, np.array(filled.map(), dtype=filled.dtype))

    def _write(self, folder: Path, volume: Volume, case: str) -> None:
        """Keep a volume in ``folder``."""
        image, label = (part.numpy() for part in volume)
        arrays = {
            _IMAGE: _rounded(image, self.dtype, case),
            _LABEL: _label_bytes(label, case),
            _FILLED: np.asarray((label > 0).any(axis=(1, 2, 3))),
        }
        try:
            for name, array in arrays.items():
                write_array(folder / name, array)
        except OSError as error:
            raise OSError(
                f"cache_dir '{self.directory}' cannot be written ({error.strerror or error}). "
                "Free space there, name another folder, or leave cache_dir out."
            ) from error


def _stamp(text: str) -> tuple[str | int, ...]:
    """Return a file's path, size and time of change, or a text that names no file as it is."""
    try:
        status = os.stat(text)
    except OSError:
        return (text,)
    return (os.path.abspath(text), status.st_size, status.st_mtime_ns)


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
