"""Interface of an experiment tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

__all__ = ["Tracker"]


class Tracker(Protocol):
    """The log of one run in an experiment tracker."""

    def begin(self, settings: Mapping[str, object]) -> None:
        """Write the settings of the run, which has begun.

        Args:
            settings: plain values by name.
        """
        ...

    def write_numbers(self, numbers: Mapping[str, float], *, epoch: int) -> None:
        """Write finite numbers of an epoch.

        Args:
            numbers: by name.
            epoch: counted from 1.
        """
        ...

    def add_files(self, files: Sequence[Path], *, epoch: int) -> None:
        """Add the files that the run has left.

        Args:
            files: tables, JSON files and pictures.
            epoch: the last one.
        """
        ...
