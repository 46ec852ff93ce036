"""Paths of a data set's files as its description writes them."""

from __future__ import annotations

import os
import re
from pathlib import Path, PureWindowsPath

from iac_components.data.faults import Fault
from iac_components.data.layouts.nifti_files import NiftiFiles

__all__ = ["DescribedPaths"]

_CONTROL = re.compile(r"[\x00-\x1f]")


class DescribedPaths:
    """Finds files of a data set's folder by the paths in its description.

    Args:
        folder: where the description lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = NiftiFiles()

    def find(self, value: object, *, place: str) -> Path | Fault:
        """Return the file of a path.

        Args:
            value: what the description has for a path.
            place: where it stands there, for the message.

        Returns:
            The file, which may be missing; or what is wrong with the path.
        """
        if not isinstance(value, str) or not value:
            return Fault(
                place, f"must be a relative path, not {value!r}", "Write the file's path there."
            )
        if _CONTROL.search(value):
            problem = f"is {value!r}, in which a backslash and a letter became one character"
            return Fault(place, problem, "Write paths with / (or each backslash twice).")
        path = self._inside(value)
        # A backslash is a separator on Windows, and elsewhere a letter that hardly a name holds.
        if "\\" in value and not (path and os.path.isfile(path)):
            path = self._inside(value.replace("\\", "/"))
        if path is None or PureWindowsPath(value).drive:
            return Fault(
                place,
                f"is '{value}', which leads out of '{self.folder}'",
                "Move the file into the folder, or put a symbolic link there, and name that.",
            )
        return self._files.find(path)

    def _inside(self, value: str) -> Path | None:
        """Return the place below the folder that a path leads to, links left as they are."""
        # By its letters, or "link/.." would lead to wherever the link's target lies.
        relative = os.path.normpath(value)
        if os.path.isabs(relative):
            relative = os.path.relpath(relative, self.folder)
        return None if relative.split(os.sep)[0] == os.pardir else self.folder / relative
