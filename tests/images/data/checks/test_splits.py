"""Splits: no patient on both sides, and no file under two patients."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from iac_components.data import DatasetError, check_split

Entry = dict[str, str]


def split_entry(patient: str, image: str) -> Entry:
    return {"patient": patient, "image": image}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"train": [split_entry("p", "1")], "test": [split_entry("p", "2")]},
            [("patient 'p'", "is in both 'train' and 'test'")],
        ),
        ({"train": [split_entry("p", "1")], "test": []}, [("part 'test'", "has no entry")]),
        (
            {"train": [split_entry("p", "1")], "test": [{"image": "2"}]},
            [("part 'test', entry 0", "has no 'patient'")],
        ),
    ],
)
def test_leaking_split_is_refused(
    parts: Mapping[str, list[Entry]], expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(DatasetError) as caught:
        check_split(parts)
    assert [(fault.where, fault.problem) for fault in caught.value.faults] == expected


def test_one_file_under_two_patients_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"image '.*1\.nii'\n  - is in both 'weights' and"):
        check_split(
            {
                "weights": [split_entry("p", "1.nii")],
                "architecture": [split_entry("q", "./1.nii"), split_entry("r", "3.nii")],
            }
        )


def test_disjoint_split_passes() -> None:
    train = [split_entry("p", "1"), split_entry("p", "2")]
    check_split({"train": train, "test": [split_entry("q", "3")]})
