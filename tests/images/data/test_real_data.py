"""The readers, checks and folds on the real datasets; skipped where these are not at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iac_components.data import (
    check_datalist,
    check_split,
    load_datalist,
    load_or_make_folds,
    read_dataset,
    registered_parts,
)

DATASETS = [
    ("ACDC", "acdc", 40, 80, [1, 2, 3]),
    ("Task04_Hippocampus", "decathlon", 128, 194, [1, 2]),
]


@pytest.mark.parametrize(("name", "layout", "patients", "cases", "labels"), DATASETS)
def test_real_dataset_is_read_and_sound(
    real_dataset: Callable[[str], Path],
    name: str,
    layout: str,
    patients: int,
    cases: int,
    labels: list[int],
) -> None:
    found = read_dataset(real_dataset(name), layout=layout)
    assert len(found) == cases
    assert len({case.patient for case in found}) == patients
    check_datalist([case.entry() for case in found], labels=labels)


@pytest.mark.parametrize(("name", "layout"), [row[:2] for row in DATASETS])
def test_real_folds_share_no_patient(
    real_dataset: Callable[[str], Path], tmp_path: Path, name: str, layout: str
) -> None:
    folder, file = real_dataset(name), tmp_path / "folds.json"
    for fold in range(5):
        parts = {
            part: load_datalist(folder, layout=layout, part=part, fold=fold, folds_file=file)
            for part in registered_parts()
        }
        check_split({part: parts[part] for part in ("train", "validation", "test")})
        check_split({part: parts[part] for part in ("weights", "architecture", "test")})
    folds = load_or_make_folds(file, read_dataset(folder, layout=layout), layout=layout)
    assert len(folds.patients) == len(set(folds.patients))


def test_systole_may_come_first(real_dataset: Callable[[str], Path]) -> None:
    cases = read_dataset(real_dataset("ACDC"), layout="acdc")
    names = [case.name for case in cases if case.patient == "patient090"]
    assert names == ["patient090_frame04", "patient090_frame11"]
