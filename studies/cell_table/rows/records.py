"""Rows of a table: one JSON file each while it is made, one JSON-lines file when it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_json, write_text

__all__ = [
    "Record",
    "RowKey",
    "collect_records",
    "read_lines",
    "read_raw",
    "row_key",
    "write_raw",
]

Record = Mapping[str, object]
RowKey = tuple[str, str, int]
"""(shift, configuration, seed)."""

MAX_BYTES = 1 << 20


def row_key(record: Record) -> RowKey:
    """Return what tells a row of a table from the others."""
    seed = cast(int, record["seed"])
    return str(record["shift"]), str(record["configuration"]), int(seed)


def write_raw(folder: Path, record: Record) -> None:
    """Write one row as a file of its own, atomically: a kill loses the row at work, no other."""
    shift, configuration, seed = row_key(record)
    write_json(folder / shift / f"{configuration}-seed{seed}.json", record)


def read_raw(folder: Path) -> Iterator[Record]:
    """Read the rows written so far.

    Raises:
        ValueError: if a file is no row; the message names it.
    """
    for path in sorted(folder.glob("*/*.json")):
        try:
            content = read_json(path, max_bytes=MAX_BYTES)
            yield _checked(content)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"'{path}' is no row of a table: {error}") from error


def read_lines(path: Path) -> Iterator[Record]:
    """Read a kept table; one that does not exist has no rows.

    Raises:
        ValueError: if a line is no row; the message names the file and the line.
    """
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield _checked(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"'{path}', line {number} is no row of a table: {error}") from error


def collect_records(path: Path, records: Iterable[Record]) -> int:
    """Add rows to a kept table, sorted by key; a row that is there stays as it is.

    Rows of a shift are of one backbone: where new ones are of another, the old ones go.

    Returns:
        The number of rows that the file then holds.
    """
    rows = {row_key(record): record for record in records}
    backbones = {record["shift"]: record.get("backbone") for record in rows.values()}
    rows.update(
        (row_key(record), record)
        for record in read_lines(path)
        if backbones.get(record["shift"], record.get("backbone")) == record.get("backbone")
    )
    lines = [json.dumps(rows[key], ensure_ascii=False, allow_nan=False) for key in sorted(rows)]
    write_text(path, "".join(f"{line}\n" for line in lines))
    return len(lines)


def _checked(content: object) -> Record:
    if not isinstance(content, dict) or not isinstance(content.get("dice"), dict):
        raise ValueError("expected an object with 'shift', 'configuration', 'seed' and 'dice'.")
    row_key(content)
    return content
