"""Rows on the disk: one JSON file each while they are made, one JSON-lines file when kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_json, write_text
from studies.adaptation.rows import Row, RowKey

__all__ = ["keep_rows", "key_of", "read_kept", "read_rows", "write_row"]

MAX_BYTES = 1 << 20


def key_of(row: Row) -> RowKey:
    """Return what tells a row from the others."""
    return RowKey(str(row["shift"]), int(cast(int, row["cases"])), int(cast(int, row["draw"])))


def write_row(folder: Path, row: Row) -> None:
    """Write a row as a file of its own, atomically: a kill loses the row at work, no other."""
    write_json(folder / key_of(row).file, row)


def read_rows(folder: Path) -> list[Row]:
    """Read the rows made so far.

    Raises:
        ValueError: if a file is no row; the message names it.
    """
    return [
        _checked(read_json(path, max_bytes=MAX_BYTES), path)
        for path in sorted(folder.glob("*.json"))
    ]


def read_kept(path: Path) -> list[Row]:
    """Read the kept rows; a file that does not exist has none.

    Raises:
        ValueError: if a line is no row.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_checked(json.loads(line), path) for line in lines]


def keep_rows(path: Path, rows: Iterable[Row]) -> int:
    """Add rows to the kept ones, sorted; a row that is there stays as it is.

    Returns:
        The number of rows that the file then holds.
    """
    found = {key_of(row): row for row in rows}
    found.update((key_of(row), row) for row in read_kept(path))
    write_text(path, "".join(f"{json.dumps(found[key])}\n" for key in sorted(found)))
    return len(found)


def _checked(content: object, path: Path) -> Row:
    if not isinstance(content, dict) or not isinstance(content.get("arms"), dict):
        raise ValueError(f"'{path}' holds no row of the study: it lacks 'arms'.")
    key_of(content)
    return content
