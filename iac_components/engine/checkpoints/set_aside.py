"""Moving of an older run's files out of the way of a new one, so that nothing is lost."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path

__all__ = ["set_aside"]

_LOGGER = logging.getLogger("iac_components.checkpoint")


def set_aside(files: Iterable[Path]) -> list[Path]:
    """Move files into ``set_aside_<n>`` beside them, the first number that is free, and log it.

    Each is renamed, so it is in one place or the other whenever the process ends.

    Args:
        files: in this order; those that do not exist are passed over.

    Returns:
        Where they lie now.
    """
    chosen: dict[Path, Path] = {}
    moved = []
    for file in files:
        if not file.is_file():
            continue
        if file.parent not in chosen:
            chosen[file.parent] = _free_folder(file.parent)
        target = chosen[file.parent] / file.name
        os.replace(file, target)
        moved.append(target)
    if moved:
        places = " and ".join(f"'{folder}'" for folder in chosen.values())
        names = ", ".join(path.name for path in moved)
        _LOGGER.info(
            f"A new run starts: what an older one left is set aside in {places} ({names})."
        )
    return moved


def _free_folder(parent: Path) -> Path:
    for number in count(1):
        folder = parent / f"set_aside_{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("numbers do not end")
