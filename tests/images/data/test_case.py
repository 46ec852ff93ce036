from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.data.case import Case, DatalistEntry, entry_files, image_stem, is_image_name


def test_entry_has_plain_strings() -> None:
    case = Case("p1", "p1_a", Path("a.nii.gz"), Path("a_gt.nii.gz"))
    assert case.entry() == {
        "image": "a.nii.gz",
        "label": "a_gt.nii.gz",
        "patient": "p1",
        "case": "p1_a",
    }


def test_entry_without_label_has_no_label_key() -> None:
    assert "label" not in Case("p1", "a", Path("a.nii"), None).entry()


def test_several_image_files_become_a_list_in_their_order() -> None:
    case = Case("p1", "a", (Path("b.nii"), Path("a.nii")), None)
    assert case.entry()["image"] == ["b.nii", "a.nii"]


@pytest.mark.parametrize(
    ("entry", "files"),
    [({"image": "a"}, ["a"]), ({"image": ["a", "b"]}, ["a", "b"]), ({"label": "a"}, [])],
)
def test_files_of_an_entry(entry: DatalistEntry, files: list[str]) -> None:
    assert entry_files(entry, "image") == files


def test_cases_sort_by_patient_then_name() -> None:
    cases = [Case(p, n, Path("x"), None) for p, n in (("b", "1"), ("a", "2"), ("a", "1"))]
    assert [(c.patient, c.name) for c in sorted(cases)] == [("a", "1"), ("a", "2"), ("b", "1")]


@pytest.mark.parametrize(
    ("name", "is_image", "stem"),
    [
        ("a.nii.gz", True, "a"),
        ("a.nii", True, "a"),
        ("a.b.nii.gz", True, "a.b"),
        ("größe 1.nii.gz", True, "größe 1"),
        ("._a.nii.gz", False, "._a"),
        ("a.PNG", True, "a"),
        ("a.tiff", True, "a"),
        ("a.mha", True, "a"),
        ("a.txt", False, "a.txt"),
        ("a.gz", False, "a.gz"),
        ("a.nii.gz.part", False, "a.nii.gz.part"),
    ],
)
def test_image_names(name: str, is_image: bool, stem: str) -> None:
    assert is_image_name(name) is is_image
    assert image_stem(Path("folder.nii") / name) == stem
