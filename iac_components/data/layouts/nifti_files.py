"""Finding NIfTI files by their case's name, whichever ending they have, in whichever letters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.data.case import image_stem, is_image_name
from iac_components.data.faults import Fault

__all__ = ["NiftiFiles", "ambiguous", "files_by_stem"]


def files_by_stem(folder: Path) -> dict[str, list[Path]]:
    """List the NIfTI files of a folder by their names without ending; none if it is no folder."""
    if not os.path.isdir(folder):
        return {}
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if is_image_name(path.name):
            found.setdefault(image_stem(path), []).append(path)
    # Some unpack "a.nii.gz" into a folder of nearly that name.
    return {
        stem: [path for path in paths if not os.path.isdir(path)] or paths
        for stem, paths in found.items()
    }


def ambiguous(files: Sequence[Path]) -> Fault:
    """Return the fault of several files that differ in their endings only."""
    first, *others = files
    names = ", ".join(f"'{path.name}'" for path in others)
    return Fault(str(first), f"is there a second time as {names}", "Keep one of them.")


class NiftiFiles:
    """Files as a description names them, or as they lie there with another ending.

    A data set that was unpacked, packed or copied by way of another system has ``.nii`` for
    ``.nii.gz``, or ``.NII.GZ``, in its names.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, Mapping[str, list[Path]]] = {}

    def find(self, path: Path) -> Path | Fault:
        """Return the file of that name; else the only one that differs in its ending.

        Returns:
            The file; ``path`` itself if there is none; a fault if there are several.
        """
        # Unlike Path.is_file, this takes names that are too long without an error.
        if os.path.isfile(path):
            return path
        if path.parent not in self._folders:
            self._folders[path.parent] = files_by_stem(path.parent)
        found = self._folders[path.parent].get(image_stem(path), [])
        if len(found) > 1:
            return ambiguous(found)
        return found[0] if found else path
