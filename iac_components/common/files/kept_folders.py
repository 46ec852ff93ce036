"""Folders that a run writes into and that must not be moved before it has ended.

Writing makes the folders that are missing. So a run whose folder was deleted would put its last
files into a new one, and end as if nothing were lost.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FolderLostError", "keep_folder", "lost_folder", "release_folder", "require_kept"]


class FolderLostError(RuntimeError):
    """A folder of a run was deleted or moved before the run had ended."""


@dataclass(frozen=True)
class _Kept:
    """A folder, the option that names it, and the descriptor that keeps its number from others."""

    option: str
    descriptor: int


_KEPT: dict[Path, _Kept] = {}


def keep_folder(folder: Path, option: str) -> None:
    """Watch a folder from now on; a second call changes nothing.

    Args:
        folder: resolved, and there.
        option: the option that names it.
    """
    if folder in _KEPT:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Not on Windows.
        return
    _KEPT[folder] = _Kept(option, descriptor)


def release_folder(folder: Path) -> None:
    """Stop watching a folder."""
    kept = _KEPT.pop(folder, None)
    if kept is not None:
        os.close(kept.descriptor)


def lost_folder(folder: Path) -> str | None:
    """Return a message if a watched folder is no longer in its place; None if it is."""
    kept = _KEPT.get(folder)
    if kept is None:
        return None
    try:
        if os.path.samestat(os.stat(folder), os.fstat(kept.descriptor)):
            return None
    except OSError:
        pass
    return (
        f"{kept.option} '{folder}' was deleted or moved while this run was writing into it, "
        "so its files are lost to the run. Put it back if you can, then start the run again."
    )


def require_kept(path: Path) -> None:
    """Refuse to write a file into a folder that is lost.

    Raises:
        FolderLostError: if a watched folder above ``path`` is no longer where it was.
    """
    if not _KEPT:
        return
    parents = {Path(os.path.realpath(path.parent))}
    parents |= {above for parent in parents for above in parent.parents}
    for folder in _KEPT:
        text = lost_folder(folder) if folder in parents else None
        if text is not None:
            raise FolderLostError(text)
