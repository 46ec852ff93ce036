"""Checks of a split into parts, by names alone: nothing is shared, nothing is empty."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.faults import Fault, raise_faults

__all__ = ["check_split"]


def check_split(parts: Mapping[str, Sequence[DatalistEntry]]) -> None:
    """Check that parts have entries, and share neither a patient nor a file. Reads no file.

    Args:
        parts: name of each part to its datalist, for instance ``{"train": ..., "test": ...}``.

    Raises:
        DatasetError: listing every empty part, every entry without a patient unless no entry has
            one (MONAI Label knows none), and every patient and file in two parts.
    """
    faults: list[Fault] = []
    anonymous = not any("patient" in entry for part in parts.values() for entry in part)
    owner: dict[tuple[str, str], str] = {}
    for part, datalist in parts.items():
        if not datalist:
            faults.append(Fault(f"part '{part}'", "has no entry", "Use more patients or folds."))
        shared = {
            (kind, value): owner[kind, value]
            for kind, value in _identities(datalist)
            if owner.setdefault((kind, value), part) != part
        }
        faults += [
            Fault(f"{kind} '{value}'", f"is in both '{first}' and '{part}'", "Keep it in one part.")
            for (kind, value), first in shared.items()
        ]
        faults += [
            Fault(
                f"part '{part}', entry {index}",
                "has no 'patient'",
                "Name its patient, or leakage cannot be ruled out.",
            )
            for index, entry in enumerate(datalist)
            if "patient" not in entry and not anonymous
        ]
    raise_faults(faults, subject=f"Split into {', '.join(parts)}")


def _identities(datalist: Sequence[DatalistEntry]) -> Iterator[tuple[str, str]]:
    """Yield the items that must not be in two parts: patients and image files."""
    for entry in datalist:
        if "patient" in entry:
            yield "patient", str(entry["patient"])
        for file in entry_files(entry, "image"):
            yield "image", os.path.realpath(file)
