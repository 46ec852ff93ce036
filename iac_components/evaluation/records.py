"""Scores of one class in one case as a record, and the CSV file that holds them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.common.files import read_text
from iac_components.common.files.csv_table import csv_rows

__all__ = [
    "CSV_NAME",
    "FALSE_POSITIVES",
    "METRICS",
    "CaseRecord",
    "format_csv",
    "read_metrics",
    "require_unique",
]

CSV_NAME = "metrics.csv"
METRICS = ("dice", "hd95")
FALSE_POSITIVES = "false_positive_ml"
_COLUMNS = ("patient", "case", "label", "class", "dice", "hd95")


@dataclass(frozen=True)
class CaseRecord:
    """Scores of one class, or region of classes, in one case of one patient.

    Attributes:
        patient: name of the patient.
        case: name of the image, for instance one time frame of the patient.
        label: value of the class in the label map, or number of the region, from 1.
        class_name: name of the class or region.
        dice: 0 to 1, or NaN if the class is excluded for this case.
        hd95: in mm, or NaN if the class is excluded for this case or the distance not measured.
        false_positive_ml: volume predicted where the label does not show the class, in ml, 0 if
            none was; NaN if the label shows it.

    Raises:
        ValueError: if a name is empty, a number is out of its range, or Dice alone is NaN.
    """

    patient: str
    case: str
    label: int
    class_name: str
    dice: float
    hd95: float
    false_positive_ml: float = math.nan

    def __post_init__(self) -> None:
        if not (self.patient and self.case and self.class_name):
            raise ValueError("patient, case and class must not be empty.")
        if self.label < 1:
            raise ValueError(f"label {self.label} is not a foreground label (1 or more).")
        if math.isnan(self.dice) and not math.isnan(self.hd95):
            raise ValueError("dice and hd95 must be excluded together or not at all.")
        if not (math.isnan(self.dice) or 0.0 <= self.dice <= 1.0):
            raise ValueError(f"dice {self.dice} is outside 0 to 1.")
        if not (math.isnan(self.hd95) or 0.0 <= self.hd95 < math.inf):
            raise ValueError(f"hd95 {self.hd95} is not a finite distance in mm.")
        volume = self.false_positive_ml
        if not (math.isnan(volume) or 0.0 <= volume < math.inf):
            raise ValueError(f"{FALSE_POSITIVES} {volume} is not a finite volume in ml.")

    @property
    def key(self) -> tuple[str, str, int]:
        """Patient, case and label, which no two records of a run may share."""
        return self.patient, self.case, self.label


def require_unique(records: Sequence[CaseRecord]) -> None:
    """Raise ValueError, naming the case, if a case and class occurs twice."""
    seen: set[tuple[str, str, int]] = set()
    for record in records:
        if record.key in seen:
            raise ValueError(
                f"patient '{record.patient}', case '{record.case}', class '{record.class_name}' "
                "occurs twice: each case must be evaluated once and have its own name."
            )
        seen.add(record.key)


def format_csv(records: Sequence[CaseRecord]) -> str:
    """Write ``records`` as CSV, one row a case and class; an excluded score is an empty cell.

    Raises:
        ValueError: if a record has a Dice without a distance: a file holds both or neither.
    """
    stream = io.StringIO(newline="")
    # RFC 4180 ends lines by CRLF, but a bare LF is what git and every reader here expects.
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*_COLUMNS, FALSE_POSITIVES))
    for record in records:
        _require_both(record)
        values = (record.dice, record.hd95, record.false_positive_ml)
        scores = ("" if math.isnan(value) else repr(value) for value in values)
        writer.writerow((record.patient, record.case, record.label, record.class_name, *scores))
    return stream.getvalue()


def _require_both(record: CaseRecord) -> None:
    if math.isnan(record.dice) != math.isnan(record.hd95):
        raise ValueError("dice and hd95 must be excluded together or not at all.")


def read_metrics(path: str | Path) -> list[CaseRecord]:
    """Read the records of a run.

    Args:
        path: ``metrics.csv``, or the folder that holds it.

    Returns:
        The records in the file's order; excluded scores are NaN.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a table; the message names the file and line.
    """
    file = Path(path)
    if file.is_dir():
        file = file / CSV_NAME
    if not file.is_file():
        raise FileNotFoundError(
            f"'{file}' does not exist: pass a folder that an evaluation wrote {CSV_NAME} into."
        )
    try:
        text = read_text(file)
    except ValueError as error:
        raise ValueError(f"'{file}' is no {CSV_NAME}: {error}") from error
    records = _parse_csv(text, file)
    try:
        require_unique(records)
    except ValueError as error:
        raise ValueError(f"'{file}': {error}") from error
    return records


def _parse_csv(text: str, file: Path) -> list[CaseRecord]:
    try:
        records = list(_parse_rows(text))
    except ValueError as error:
        raise ValueError(f"'{file}', {error}") from error
    if not records:
        raise ValueError(f"'{file}' holds no scores: the evaluation that wrote it saw no case.")
    return records


def _parse_rows(text: str) -> Iterator[CaseRecord]:
    """Yield the records; errors begin with the line."""
    rows = csv_rows(text)
    line, header = next(rows, (1, []))
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise ValueError(
            f"line {line}: has no column {', '.join(missing)}; it needs {','.join(_COLUMNS)}."
        )
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError(f"line {line}: has another number of cells than the header.")
        try:
            record = _parse_row(dict(zip(header, row, strict=True)))
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from error
        yield record


def _parse_row(row: dict[str, str]) -> CaseRecord:
    try:
        label = int(row["label"])
    except ValueError:
        raise ValueError(f"label '{row['label']}' is not an integer.") from None
    record = CaseRecord(
        patient=row["patient"],
        case=row["case"],
        label=label,
        class_name=row["class"],
        dice=_parse_score(row["dice"], "dice"),
        hd95=_parse_score(row["hd95"], "hd95"),
        # Files of version 0.4 have no such column.
        false_positive_ml=_parse_score(row.get(FALSE_POSITIVES, ""), FALSE_POSITIVES),
    )
    _require_both(record)
    return record


def _parse_score(cell: str, column: str) -> float:
    """Read a score; only an empty cell means excluded, so that a computed NaN is not let in."""
    if not cell:
        return math.nan
    try:
        score = float(cell)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise ValueError(f"{column} '{cell}' is not a finite number; excluded is an empty cell.")
    return score
