"""Patients of a table: at home, at the new site, and for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iac_components.data import Case, SliceDataset, read_dataset
from iac_components.data.splits.folds import seeded_order
from studies.cell_table.settings import TableSettings

__all__ = ["Parts", "slices_of", "split_cases"]


@dataclass(frozen=True)
class Parts:
    """Cases by their use; no patient is in two parts.

    Attributes:
        home: all volumes of the patients that the backbone learns from.
        site: one labelled volume of each patient of the new site, for training cells.
        test: one volume of each test patient.
    """

    home: tuple[Case, ...]
    site: tuple[Case, ...]
    test: tuple[Case, ...]


def split_cases(settings: TableSettings, dataset_dir: str | Path) -> Parts:
    """Read a data set and split its patients by the settings' seed."""
    cases = read_dataset(dataset_dir, layout=settings.layout)
    counts = cast(dict[str, int], settings.section("patients"))
    order = seeded_order(
        (case.patient for case in cases), seed=counts["seed"], purpose="cell table"
    )
    of = {patient: [case for case in cases if case.patient == patient] for patient in order}
    test = order[: counts["test"]]
    site = order[counts["test"] : counts["test"] + counts["site"]]
    home = order[counts["test"] + counts["site"] :]
    return Parts(
        home=tuple(case for patient in home for case in of[patient]),
        site=tuple(of[patient][0] for patient in site),
        test=tuple(of[patient][0] for patient in test),
    )


def slices_of(
    settings: TableSettings,
    cases: Sequence[Case],
    *,
    augmented: bool,
    shift: str | None,
    seed: int,
    every_slice: bool = False,
) -> SliceDataset:
    """Return the slices of some cases as the scanner ``shift`` shows them; None is home."""
    return SliceDataset(
        [case.entry() for case in cases],
        settings.preprocessing(),
        slice_transform=settings.slice_transform(augmented=augmented, shift=shift),
        seed=seed,
        empty_fraction=1.0 if every_slice else settings.number("empty_fraction"),
    )
