"""Errors of a disk that is full, read-only or broken: one line with file, folder and remedy."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "WriteError",
    "disk_error",
    "name_write_errors",
    "remember_folder",
    "start_again",
    "unwritable_message",
]

_REMEDIES = {
    errno.ENOSPC: "Free space there, or choose another folder",
    errno.EDQUOT: "Free space there or ask for a larger quota, or choose another folder",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or choose another folder",
    errno.EROFS: "Mount it for writing, or choose another folder",
    errno.EIO: "Check the disk, or choose another folder",
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_FOLDERS: list[Path] = []
_OTHER_REMEDY = "Make it writable, or choose another folder"


class WriteError(OSError):
    """A file that could not be written.

    Args:
        message: the whole message.
        error: why it could not be written; its number and text are kept.
    """

    def __init__(self, message: str, error: OSError | None = None) -> None:
        super().__init__(message)
        self.message_text = message
        if error is not None:
            self.errno = error.errno
            self.strerror = error.strerror or str(error)

    def __str__(self) -> str:
        """Return the message; OSError would show its number and text alone."""
        return self.message_text


def disk_error(error: BaseException) -> OSError | None:
    """Find the first error in the chain of ``error`` that is the disk's fault, not the name's."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, OSError) and link.errno in _REMEDIES:
            return link
        seen.add(id(link))
        link = link.__cause__ or link.__context__
    return None


@contextmanager
def name_write_errors(path: str | Path, *, only_disk: bool = False) -> Iterator[None]:
    """Turn an error while writing ``path`` into one line that names the file, folder and remedy.

    Libraries wrap the error (``torch.save`` says "unexpected pos"), or raise their own without the
    error's number: on a full disk, any error counts as its consequence.

    Args:
        path: the file that the block writes.
        only_disk: leave errors that a full or broken disk does not explain as they are; for a block
            that runs code of others, which may have errors of its own.

    Raises:
        WriteError: instead of the error.
    """
    try:
        yield
    except WriteError:
        raise
    except Exception as error:
        cause = disk_error(error) or _full(Path(path).parent)
        if cause is None and isinstance(error, OSError) and not only_disk:
            cause = error
        if cause is None:
            raise
        raise WriteError(_message(Path(path), cause), cause) from error


def remember_folder(folder: Path) -> None:
    """Record a folder that the run writes to, for errors that do not name theirs."""
    if folder not in _FOLDERS:
        _FOLDERS.append(folder)


def start_again(error: BaseException | None = None) -> str:
    """Return the advice for repeating an ended run: an inference has nothing to resume.

    Args:
        error: that ended it, if the run is no longer at work.
    """
    config = _config_at_work(error)
    if config is None:
        return "start again; a search or a training continues with --resume True."
    return f"start again{' with --resume True' if _can_resume(config) else ''}."


def _can_resume(config: Mapping[str, object]) -> bool:
    """Tell a search or a training; those of version 0.4 have no session."""
    session = config.get("session")
    if isinstance(session, Mapping):
        return session.get("stage") in ("search", "train")
    return "@resume" in str(config.get("initialize"))


def _config_at_work(error: BaseException | None) -> Mapping[str, object] | None:
    """Return the config of the bundle at work; None if none is."""
    workflows = sys.modules.get("monai.bundle.workflows")
    link = None if error is None else error.__traceback__
    frames = [] if link is None else [frame for frame, _ in traceback.walk_tb(link)]
    for frame in [*frames, *(frame for frame, _ in traceback.walk_stack(None))]:
        run = frame.f_locals.get("self")
        if workflows is not None and isinstance(run, workflows.ConfigWorkflow):
            config: Mapping[str, object] = run.parser.get()
            return config
    return None


def unwritable_message(error: BaseException) -> str | None:
    """Return one line for a library's error about a full disk; None for another error.

    An error in the middle of writing does not name its file, let alone its folder: then those of
    the run's folders are named in which there is no room.
    """
    cause = disk_error(error)
    if cause is None or cause.errno not in _NO_ROOM:
        return None
    if cause.filename is not None:
        return f"WriteError: {_message(Path(os.fsdecode(cause.filename)), cause, ended_by=error)}"
    folders = [folder for folder in _FOLDERS if _full(folder)] or _FOLDERS
    named = " or ".join(f"'{folder}'" for folder in folders) or "a temporary folder"
    return (
        f"WriteError: a file in {named} cannot be written ({cause.strerror}). "
        f"{_REMEDIES[cause.errno]}, then {start_again(error)}"
    )


def _message(path: Path, error: OSError, *, ended_by: BaseException | None = None) -> str:
    reason = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, _OTHER_REMEDY)
    return (
        f"'{path}' cannot be written ({reason}) in folder '{path.absolute().parent}'. "
        f"{remedy}, then {start_again(ended_by)}"
    )


def _full(folder: Path) -> OSError | None:
    """Return the error that a library hid, if the folder's file system is full."""
    try:
        space = os.statvfs(folder)
    except OSError:
        return None
    # Some file systems count no blocks at all.
    if space.f_blocks and not space.f_bavail:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None
