"""Reading a small JSON file of a search, with messages that name the file and the field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from iac_components.common.files import Fields, read_json

__all__ = ["read_content"]

MAX_BYTES = 1_000_000
Content = TypeVar("Content")


def read_content(path: str | Path, parse: Callable[[Fields], Content], *, what: str) -> Content:
    """Read a file and return what ``parse`` makes of its fields.

    Args:
        path: the file.
        parse: takes the fields of the top; what it raises is said to be at fault in the file.
        what: what the file is and who writes it, for the message when it is absent.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the field at fault, or that it is not JSON.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such {what}")
    try:
        return parse(Fields.of(read_json(path, max_bytes=MAX_BYTES), error=ValueError))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
