"""Reading of CSV text, and of files of exact columns, whole rows, numbers in their range."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iac_components.common.files import open_table, read_text

__all__ = ["CsvTable", "Numbers", "csv_rows", "read_csv_table"]

ROUNDING = 1e-6  # a printed mean of softmax values may exceed 1 by rounding
LARGEST = float(np.finfo(np.float64).max)  # keeps out infinity


@dataclass(frozen=True)
class Numbers:
    """Allowed values of a column's fields.

    Attributes:
        expected: the same in words, for the message.
        least: the smallest value.
        most: the largest value.
        integral: True if only whole values are meant.
        may_be_empty: True if a field may be empty; it becomes NaN.
    """

    expected: str
    least: float = -LARGEST
    most: float = LARGEST
    integral: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True, eq=False)
class CsvTable:
    """The R rows of a file, as text.

    Attributes:
        path: the file.
        lines: R line numbers.
        columns: the R fields of every column.
    """

    path: Path
    lines: Sequence[int]
    columns: dict[str, tuple[str, ...]]

    def counts(self, column: str) -> NDArray[np.int64]:
        """Return (R,) whole numbers from 0 on.

        Raises:
            ValueError: naming the file, the line, the column and the field.
        """
        fields = self.columns[column]
        values = np.empty(len(fields), dtype=np.int64)
        for row, field in enumerate(fields):
            try:
                values[row] = int(field)
            except (ValueError, OverflowError) as error:
                raise self.fault(row, column, "a whole number from 0 on") from error
            if values[row] < 0:
                raise self.fault(row, column, "a whole number from 0 on")
        return values

    def numbers(self, column: str, kind: Numbers) -> NDArray[np.float64]:
        """Return (R,) real numbers, NaN where a field may be and is empty.

        Raises:
            ValueError: naming the file, the line, the column and the field.
        """
        fields = self.columns[column]
        empty = np.array([kind.may_be_empty and field == "" for field in fields])
        values = np.full(len(fields), np.nan)
        for row in np.flatnonzero(~empty):
            try:
                values[row] = float(fields[row])
            except ValueError as error:
                raise self.fault(int(row), column, kind.expected) from error
        fits = (values >= kind.least - ROUNDING) & (values <= kind.most + ROUNDING)
        if kind.integral:
            fits &= values == np.round(values)
        for row in np.flatnonzero(~(fits | empty))[:1]:
            raise self.fault(int(row), column, kind.expected)
        return values

    def fault(self, row: int, column: str, expected: str) -> ValueError:
        """Return the error for a field with an unexpected value."""
        field = self.columns[column][row][:40]
        return self.error(f"line {self.lines[row]}, column '{column}': {field!r} is not {expected}")

    def error(self, fault: str) -> ValueError:
        """Return the error that something is wrong with the file."""
        return ValueError(f"{self.path}: {fault}")


def csv_rows(text: str, *, spaced: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of each row of a table, the header first.

    The delimiter is found from the header; a blank line has no fields.

    Args:
        text: the whole table.
        spaced: whether spaces behind a delimiter are no part of the field.

    Raises:
        ValueError: naming the line at which the text stops being CSV.
    """
    stream, delimiter = open_table(text)
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=spaced, strict=True)
    read = 0
    try:
        for row in reader:
            read = reader.line_num
            yield read, row
    except csv.Error as error:
        raise ValueError(f"line {read + 1}: {error}") from error


def read_csv_table(
    path: str | Path, columns: Sequence[str], *, what: str, may_be_empty: bool = False
) -> CsvTable:
    """Read a CSV file of exactly these columns.

    Args:
        path: the file.
        columns: the header, in its order.
        what: what the file is and who writes it, for the message when it is absent.
        may_be_empty: whether the header alone is a file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the line or the column at fault.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such {what}")
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        found = list(csv_rows(read_text(file)))
    except ValueError as error:
        raise ValueError(f"{file}: not a CSV file ({error})") from error
    header = found[0][1] if found else []
    for name in columns:
        if name not in header:
            raise ValueError(f"{file}: line 1 lacks the column '{name}'")
    if tuple(header) != tuple(columns):
        raise ValueError(f"{file}: line 1 must be exactly {','.join(columns)}")
    for line, row in found[1:]:
        if len(row) != len(columns):
            raise ValueError(
                f"{file}: line {line} has {len(row)} of {len(columns)} fields; was the file cut "
                "off?"
            )
        lines.append(line)
        rows.append(row)
    if not rows and not may_be_empty:
        raise ValueError(f"{file}: holds no epoch")
    fields = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return CsvTable(file, lines, dict(zip(columns, fields, strict=True)))
