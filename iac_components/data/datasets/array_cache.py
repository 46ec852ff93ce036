"""Cached arrays of a volume on disk, shared by all processes and stages of a job."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray

from iac_components.common.files import WriteError, remove_leftovers
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.datasets.array_file import ArrayFile, open_array, write_array
from iac_components.data.datasets.fingerprint import transform_fingerprint

__all__ = ["ArrayCache", "named_if_changed"]

_LOGGER = logging.getLogger("iac_components.data")

T = TypeVar("T")


class ArrayCache(Generic[T]):
    """Volumes on disk, each identified by its source files and its transforms.

    A volume has a folder of its own, named by a digest of its datalist entry, the size and time of
    the files therein, the transform (see :func:`describe`) and the settings. It holds one ``.npy``
    file for each name.

    Every file replaces its predecessor at once and the last name's comes last, so a volume that is
    found is whole; two processes that make the same volume write the same files. The files'
    headers and sizes are checked, their voxels are not. Nothing is ever removed: to free the
    space, remove ``directory``.

    Args:
        directory: made when first written; that it is there already, or read-only, does no harm.
        transform: the deterministic transform of a volume.
        settings: what else the arrays depend on, as JSON can write it.
        names: of the files, without ending, in the order of the arrays.
        open_volume: makes a volume of its files; raises ValueError if they are not one.

    Raises:
        ValueError: if the transform cannot be described.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        transform: Compose,
        settings: Sequence[object],
        names: Sequence[str],
        open_volume: Callable[[Sequence[ArrayFile]], T],
    ) -> None:
        try:
            description = transform_fingerprint(transform)
        except ValueError as error:
            raise ValueError(f"{error} Or leave cache_dir out.") from error
        self.directory = Path(directory).expanduser().absolute()
        self._settings = (description, *settings)
        self._files = tuple(f"{name}.npy" for name in names)
        self._open_volume = open_volume

    def load(self, entry: DatalistEntry, make: Callable[[], Sequence[NDArray[np.generic]]]) -> T:
        """Find a volume, or create and keep it.

        Args:
            entry: the volume in the datalist.
            make: reads and transforms it, and returns an array for each name.

        Raises:
            OSError: if the directory cannot be written.
        """
        # Before it is read: a file that changes meanwhile must not be found under its new time.
        folder = self.directory / self._digest(entry)
        remove_leftovers(folder)
        found = self._find(folder)
        if found is None:
            self._write(folder, make())
            found = self._open(folder)
        return found

    def _digest(self, entry: DatalistEntry) -> str:
        """Return the name of a volume, derived from its sources and transforms."""
        files = [(key, *map(_stamp, entry_files(entry, key))) for key in sorted(entry)]
        content = json.dumps([self._settings, files])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def _find(self, folder: Path) -> T | None:
        """Return the volume in ``folder`` if it is whole."""
        if not (folder / self._files[-1]).exists():
            return None
        try:
            return self._open(folder)
        except (OSError, ValueError) as error:
            _LOGGER.warning(f"Cached volume '{folder}' is damaged; writing it again: {error}")
            return None

    def _open(self, folder: Path) -> T:
        """Open the volume in ``folder``."""
        return self._open_volume([open_array(folder / name) for name in self._files])

    def _write(self, folder: Path, arrays: Sequence[NDArray[np.generic]]) -> None:
        """Keep a volume in ``folder``."""
        try:
            for name, array in zip(self._files, arrays, strict=True):
                write_array(folder / name, array)
        except OSError as error:
            raise WriteError(
                f"cache_dir '{self.directory}' cannot be written ({error.strerror or error}): "
                f"'{folder}' is incomplete. Free space there, name another folder, or leave "
                "cache_dir out; complete volumes are used again.",
                error,
            ) from error


@contextmanager
def named_if_changed(folder: Path) -> Iterator[None]:
    """Raise a clear error if a volume's files cannot be read although they were found.

    Raises:
        OSError: if a file was removed or cut off since.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise OSError(
            f"cached volume '{folder}' was changed while in use ({error}). "
            "Start again: missing volumes are written again."
        ) from error


def _stamp(text: str) -> tuple[str | int, ...]:
    """Return a file's path, size and time of change, or a text that names no file as it is."""
    try:
        status = os.stat(text)
    except OSError:
        return (text,)
    return (os.path.abspath(text), status.st_size, status.st_mtime_ns)
