"""Files of ``torch.save``, written atomically, and read without executing any code."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

import torch

from iac_components.common.files.atomic import atomic_write

__all__ = ["read_tensors", "write_tensors"]


def read_tensors(source: Path | BinaryIO, *, mmap: bool = False) -> object:
    """Load tensors and plain values on the CPU, without a word of torch's on the way.

    Args:
        source: a file that ``torch.save`` wrote, or its content.
        mmap: leave the tensors on the disk until they are used; for a file, not its content.

    Raises:
        Exception: whatever torch raises on another file. Callers turn it into one line that names
            the file; the warnings that torch adds (a TorchScript archive, an unusual protocol of
            pickle) say no more.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content: object = torch.load(
            source, map_location="cpu", weights_only=True, mmap=mmap or None
        )
    return content


def write_tensors(path: str | Path, content: object) -> None:
    """Write ``content`` with ``torch.save`` to ``path``, atomically.

    Only tensors and plain Python values belong in ``content``: everything this package loads is
    loaded with ``weights_only=True``.
    """
    save: Callable[[object, IO[bytes]], None] = torch.save
    with atomic_write(path) as stream:
        save(content, stream)
