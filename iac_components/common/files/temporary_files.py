"""Temporary files next to their targets, and the removal of those that killed runs left behind."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
from pathlib import Path

__all__ = ["PROBE_PREFIX", "hold", "make_temporary", "remove_leftovers"]

PROBE_PREFIX = ".writable."
"""Start of the name of a file that only tries whether a folder can be written."""

_KEPT = 60
"""Characters of the target's name in the temporary one; names have 255 bytes at most."""

_OURS = re.compile(
    r"\.[a-z0-9_]{8}\.tmp\..+"  # made here
    r"|\..+\.[a-z0-9_]{8}\.tmp"  # made by version 0.4
    rf"|{re.escape(PROBE_PREFIX)}[a-z0-9_]{{8}}",
    re.DOTALL,
)


def make_temporary(target: Path) -> tuple[int, Path]:
    """Make an empty file beside ``target``, whose name ends as the target's does.

    The kernel holds a lock on it until the descriptor is closed or its process has ended, however
    it ended: so :func:`remove_leftovers` tells a dead run's file from one that is being written.

    Returns:
        The descriptor, open for writing, and the path.

    Raises:
        OSError: if the folder cannot be written.
    """
    while True:
        descriptor, name = tempfile.mkstemp(
            dir=target.parent, prefix=".", suffix=f".tmp.{target.name[-_KEPT:]}"
        )
        if hold(descriptor):
            return descriptor, Path(name)
        os.close(descriptor)


def hold(descriptor: int) -> bool:
    """Lock an open temporary file for as long as it is open.

    Returns:
        Whether it is still there: another process may have removed it before it was locked.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        # A file system without locks: nobody there can take the file for a dead run's.
        return True
    return os.fstat(descriptor).st_nlink > 0


def remove_leftovers(directory: str | Path, *, of: str | None = None) -> list[Path]:
    """Remove the temporary files that killed runs left in ``directory`` itself.

    A file that a living process writes, on this machine or another, is locked and stays.

    Args:
        directory: the folder; that it is not there does no harm.
        of: only those of the file of this name, in a folder that is not the run's own.

    Returns:
        The files removed.
    """
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    found = [Path(directory, name) for name in names if _OURS.fullmatch(name)]
    if of is not None:
        # Both ways of naming: here, and in version 0.4.
        found = [
            path
            for path in found
            if path.name.endswith(f".tmp.{of[-_KEPT:]}") or path.name.startswith(f".{of}.")
        ]
    return [path for path in found if _remove_if_dead(path)]


def _remove_if_dead(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
