"""The Medical Segmentation Decathlon's layout: ``dataset.json``, ``imagesTr``, ``labelsTr``.

Antonelli et al., Nature Communications 13:4128, 2022. The format knows no patients. They come
from ``groups.csv`` if it is there (columns ``case,subject_group``). Without it, hippocampus cases
2k-1 and 2k are one subject (its two sides); elsewhere each case is a patient of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from iac_components.common.files import read_text
from iac_components.common.files.csv_table import csv_rows
from iac_components.data.case import Case, image_stem
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.described.dataset_json import (
    missing_files,
    read_dataset_json,
    read_pairs,
)

__all__ = ["find_groups", "read_decathlon", "read_groups"]

_GROUPS = "groups.csv"

_TRAILING_NUMBER = re.compile(r"(\d+)$")


@register_layout("decathlon")
def read_decathlon(dataset_dir: Path) -> list[Case]:
    """List the cases under ``training`` in ``dataset.json``.

    Raises:
        DatasetError: if ``dataset.json`` or ``groups.csv`` is missing or malformed (naming the
            field), or if files or groups of cases are missing (naming all).
    """
    description = read_dataset_json(dataset_dir, folder_name="TaskNN")
    patient_of = _patients(dataset_dir, str(description.get("name", "")))
    cases: list[Case] = []
    faults: list[Fault] = []
    for image, label in read_pairs(description, dataset_dir, field="training"):
        name = image_stem(image)
        faults += missing_files(name, image, label)
        patient = patient_of(name)
        if isinstance(patient, Fault):
            faults.append(patient)
        else:
            cases.append(Case(patient, name, image, label))
    raise_layout_faults(faults, cases, subject=f"Decathlon dataset '{dataset_dir}'")
    return cases


def _patients(dataset_dir: Path, dataset_name: str) -> Callable[[str], str | Fault]:
    """Return the rule that gives the patient of a case, or the fault if there is none."""
    groups = find_groups(dataset_dir)
    if groups is not None:
        patient_of = read_groups(groups)
        return lambda case: (
            patient_of.get(case)
            or Fault(str(groups), f"has no subject_group for case '{case}'", "Add a row for it.")
        )
    if dataset_name.lower() == "hippocampus":
        return _hippocampus_subject
    return lambda case: case


def find_groups(dataset_dir: Path) -> Path | None:
    """Return the table of groups, whichever letters its name is written in; None if there is none.

    Left out, it would let patients fall into several folds. What is there but no file (a link to
    nowhere) is an error of the reader.
    """
    found = [path for path in sorted(dataset_dir.iterdir()) if path.name.lower() == _GROUPS]
    return next((path for path in found if path.name == _GROUPS), found[0] if found else None)


def _hippocampus_subject(case: str) -> str | Fault:
    """Return the subject of a hippocampus case: 2k-1 and 2k are two sides of subject k."""
    number = _TRAILING_NUMBER.search(case)
    if number is None:
        return Fault(
            case,
            "has no number, so its subject is unknown",
            "Add a groups.csv (case,subject_group).",
        )
    return f"subject_{(int(number[1]) + 1) // 2:03d}"


def read_groups(file: Path) -> dict[str, str]:
    """Return case -> subject_group of a ``groups.csv``, which may name cases by their files.

    Raises:
        DatasetError: if it cannot be read, lacks a column, or puts a case into two groups.
    """
    try:
        header, *rows = [row for _, row in csv_rows(read_text(file), spaced=True)] or [[]]
    except ValueError as error:
        raise DatasetError(f"'{file}' cannot be read as a table: {error}") from error
    except OSError as error:
        raise DatasetError(
            f"'{file}' cannot be read ({error.strerror}). Put the table there, or remove what has "
            "its name."
        ) from error
    names = [name.strip() for name in header]
    missing = {"case", "subject_group"} - set(names)
    if missing:
        raise DatasetError(
            f"'{file}' lacks the column(s) {', '.join(sorted(missing))}. "
            "Its first line must be 'case,subject_group'."
        )
    groups: dict[str, str] = {}
    faults: list[Fault] = []
    for row in filter(None, rows):
        # A short row has no group at all.
        fields = dict(zip(names, row, strict=False))
        case, group = (fields.get(key, "").strip() for key in ("case", "subject_group"))
        case = image_stem(case)
        if groups.setdefault(case, group) != group:
            problem = f"puts case '{case}' into '{groups[case]}' and '{group}'"
            faults.append(Fault(str(file), problem, "Keep one of the two rows."))
    raise_faults(faults, subject=f"'{file}'")
    return groups
