"""Atomic writing of files: a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from iac_components.common.files.kept_folders import require_kept
from iac_components.common.files.temporary_files import (
    PROBE_PREFIX,
    hold,
    make_temporary,
    remove_leftovers,
)
from iac_components.common.files.text import decode_text
from iac_components.common.files.write_errors import name_write_errors, remember_folder

__all__ = [
    "atomic_path",
    "atomic_write",
    "read_json",
    "require_writable_directory",
    "write_json",
    "write_text",
]


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that replaces ``path`` only once the block has ended well.

    Args:
        path: the file to write; its directory is made if absent.

    Yields:
        The binary file to write to.

    Raises:
        WriteError: if it cannot be written; ``path`` is then as it was.
    """
    target = Path(path)
    with (
        atomic_path(target) as temporary,
        name_write_errors(target, only_disk=True),
        os.fdopen(os.open(temporary, os.O_WRONLY), "wb") as stream,
    ):
        yield stream


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a file name for a library to write to; it replaces ``path`` if the block succeeds.

    The temporary file lies in the same directory (a rename across file systems is a copy, which
    can be cut off) and its name ends as the target's does (libraries choose the format by it). It
    is flushed to disk before the rename, and removed on any failure.

    Args:
        path: the file to write; its directory is made if absent.

    Yields:
        The temporary file, empty so far.

    Raises:
        WriteError: if it cannot be written; ``path`` is then as it was.
        FolderLostError: if its folder is the run's own and was deleted meanwhile.
    """
    target = Path(path)
    require_kept(target)
    with name_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = make_temporary(target)
    try:
        with name_write_errors(target, only_disk=True):
            yield temporary
        with name_write_errors(target):
            _finish(temporary)
            os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        # Not before the rename: an open descriptor keeps others from removing the file.
        os.close(descriptor)


def _finish(temporary: Path) -> None:
    """Flush a file to disk, and give it the permissions that the umask allows."""
    # Opened again, for the library may have put a file of its own there.
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # The temporary file was made private; an output file should follow the user's umask instead.
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(temporary, 0o666 & ~umask)


def read_json(path: str | Path, *, max_bytes: int) -> object:
    """Read a JSON file that ought to be small.

    Args:
        path: the file.
        max_bytes: a larger file is refused unread: it is another file, or an attack.

    Raises:
        ValueError: if it cannot be read, is too large or not JSON. The message says why and leaves
            it to the caller to name the file and what it was for.
    """
    file = Path(path)
    try:
        if file.stat().st_size > max_bytes:
            raise ValueError(f"larger than {max_bytes} bytes, which no such file is.")
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}).") from error
    try:
        parsed: object = json.loads(decode_text(content))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error}).") from error
    return parsed


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, atomically."""
    with atomic_write(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: str | Path, content: object) -> None:
    """Write ``content`` as indented UTF-8 JSON to ``path``, atomically.

    Raises:
        ValueError: if a number in ``content`` is NaN or infinite (JSON has neither).
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def require_writable_directory(path: str | Path, *, name: str = "output_dir") -> Path:
    """Make the directory and prove that a file can be written in it, before any work starts.

    What killed runs left half-written in it is removed.

    Args:
        path: the directory.
        name: the option a user would change, for the message.

    Returns:
        The directory as an absolute path.

    Raises:
        OSError: if it cannot be made or written; the message names the directory and the option.
    """
    directory = Path(path).expanduser().absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_leftovers(directory)
        _probe(directory)
    except OSError as error:
        raise OSError(
            f"{name} '{directory}' cannot be written ({error.strerror or error}). "
            f"Pass another folder with --{name}."
        ) from error
    remember_folder(directory)
    return directory


def _probe(directory: Path) -> None:
    """Write a block, which a full disk does not take although it takes empty files."""
    with tempfile.NamedTemporaryFile(dir=directory, prefix=PROBE_PREFIX, delete=False) as stream:
        try:
            hold(stream.fileno())
            stream.write(bytes(4096))
            stream.flush()
        finally:
            Path(stream.name).unlink(missing_ok=True)
