"""One run a folder: a lock that names its holder, and that ends with the holder's process."""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import socket
import sys
import weakref
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from iac_components.common.files import require_writable_directory
from iac_components.common.files.kept_folders import (
    FolderLostError,
    keep_folder,
    lost_folder,
    release_folder,
)
from iac_components.common.ranks import ask_first

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK_NAME", "FolderInUseError", "OwnedFolders"]

LOCK_NAME = ".iac_components.lock"
"""In every folder that a run owns; removed with the lock, and without meaning once the lock is."""

_LONGEST = 200
_LOGGER = logging.getLogger("iac_components.folders")


class FolderInUseError(RuntimeError):
    """Another process is writing into the folder."""


@dataclass
class _Lock:
    """A lock that this process holds.

    A record lock (``fcntl.lockf``) is the process's own: workers that it forks do not inherit it,
    so it ends with the process even where they outlive it, and it works on NFS.
    """

    stream: IO[str]
    path: Path
    process: int


_HELD: dict[Path, _Lock] = {}
_CLAIMS: Counter[Path] = Counter()
"""Runs of this process that own a folder: one process may train and evaluate in turn."""


class OwnedFolders:
    """Folders that a run writes into, owned by it until it is released.

    They are released by :meth:`release`, when this object is collected, and by the kernel when the
    process ends, however it ends. Of several ranks the first holds them, and all refuse together.
    Where a file system has no locks a warning says so, and the run continues.

    Args:
        **folders: each folder by the option that names it.
    """

    def __init__(self, **folders: str | Path) -> None:
        self.folders = folders
        self._owned: list[Path] = []
        weakref.finalize(self, _release, self._owned)

    def claim(self) -> None:
        """Make the folders, check that they are writable, and own them; repeating changes nothing.

        Raises:
            OSError: if one cannot be made or written; the message names it and the option.
            FolderInUseError: if another process owns one; the message names that process.
        """
        for name, path in self.folders.items():
            require_writable_directory(path, name=name)
        if not self._owned:
            refusal = ask_first(self._refusal)
            if refusal is not None:
                _release(self._owned)
                raise FolderInUseError(refusal)

    def release(self) -> None:
        """Release the folders; repeating changes nothing.

        Raises:
            FolderLostError: if one was deleted or moved since it was claimed.
        """
        lost = [text for folder in self._owned if (text := lost_folder(folder)) is not None]
        _release(self._owned)
        if lost:
            raise FolderLostError(" ".join(lost))

    def _refusal(self) -> str | None:
        """Own the folders, or describe their owner."""
        for name, path in self.folders.items():
            folder = Path(path).expanduser().resolve()
            held = _HELD.get(folder)
            # What a forked process finds here is its parent's.
            if held is None or held.process != os.getpid():
                holder = _lock(folder, name)
                if holder is not None:
                    return (
                        f"{name} '{folder}' is in use by {holder}. Wait until it has ended, or "
                        f"pass another folder with --{name}."
                    )
            _CLAIMS[folder] += 1
            keep_folder(folder, name)
            self._owned.append(folder)
        return None


def _lock(folder: Path, name: str) -> str | None:
    """Lock a folder, and return None; or describe the process that holds it."""
    if fcntl is None:
        _LOGGER.warning(f"{name} '{folder}' cannot be locked on this system: let one run use it.")
        return None
    path = folder / LOCK_NAME
    while True:
        try:
            stream = path.open("a+", encoding="utf-8")
        except OSError as error:
            _warn(folder, name, error)
            return None
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                stream.close()
                _warn(folder, name, error)
                return None
            with stream:
                return _describe(stream)
        if _is_there(path, stream):
            break
        # Its last holder removed it between our two steps.
        stream.close()
    stream.truncate(0)
    stream.write(json.dumps(_own_description()))
    stream.flush()
    _HELD[folder] = _Lock(stream, path, os.getpid())
    return None


def _warn(folder: Path, name: str, error: OSError) -> None:
    _LOGGER.warning(
        f"{name} '{folder}' cannot be locked ({error.strerror or error}): see to it that no other "
        "run uses it."
    )


def _is_there(path: Path, stream: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _own_description() -> dict[str, object]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(map(shlex.quote, (Path(sys.executable).name, *sys.orig_argv[1:]))),
    }


def _describe(stream: IO[str]) -> str:
    """Describe the holder, which may have just begun to write its description."""
    stream.seek(0)
    try:
        content = json.loads(stream.read())
        text = (
            f"process {content['process']} on '{content['host']}', started {content['started']}: "
            f"{content['command']}"
        )
    except (ValueError, KeyError, TypeError):
        return "another process"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _release(owned: list[Path]) -> None:
    for folder in owned:
        _CLAIMS[folder] -= 1
        if _CLAIMS[folder] <= 0:
            release_folder(folder)
        lock = _HELD.get(folder)
        # A forked worker has a copy of this object, and nothing to release.
        if _CLAIMS[folder] > 0 or lock is None or lock.process != os.getpid():
            continue
        del _HELD[folder], _CLAIMS[folder]
        # Removed while still locked, so that the file of a next holder is never removed.
        if _is_there(lock.path, lock.stream):
            lock.path.unlink(missing_ok=True)
        lock.stream.close()
    owned.clear()
