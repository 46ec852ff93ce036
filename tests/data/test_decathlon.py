from __future__ import annotations

import json
from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset


def make_task(root: Path, numbers: tuple[int, ...], name: str = "Hippocampus") -> Path:
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
        for number in numbers:
            (root / folder / f"case_{number:03d}.nii.gz").touch()
    write_training(root, [pair(f"case_{number:03d}") for number in numbers], name)
    return root


def pair(name: str) -> dict[str, str]:
    return {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}


def write_training(root: Path, training: object, name: str = "Hippocampus") -> None:
    (root / "dataset.json").write_text(json.dumps({"name": name, "training": training}))


def patients(root: Path) -> list[str]:
    return [case.patient for case in read_dataset(root, layout="decathlon")]


def test_hippocampus_pairs_two_sides(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 3, 4, 5, 6, 12))
    expected = ["001", "002", "002", "003", "003", "006"]
    assert patients(tmp_path) == [f"subject_{number}" for number in expected]


def test_other_datasets_have_a_patient_a_case(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2), name="Heart")
    assert patients(tmp_path) == ["case_001", "case_002"]


def test_groups_file_wins(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2, 3))
    (tmp_path / "groups.csv").write_text(
        "case,subject_group\ncase_001,b\ncase_002,a\ncase_003,a\n", encoding="utf-8-sig"
    )
    cases = read_dataset(tmp_path, layout="decathlon")
    assert [(c.patient, c.name) for c in cases] == [
        ("a", "case_002"),
        ("a", "case_003"),
        ("b", "case_001"),
    ]


def test_hidden_twins_are_skipped(tmp_path: Path) -> None:
    make_task(tmp_path, (1,))
    write_training(tmp_path, [pair("case_001"), pair("._case_001")])
    assert patients(tmp_path) == ["subject_001"]


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2, 3))
    (tmp_path / "imagesTr" / "case_001.nii.gz").unlink()
    (tmp_path / "labelsTr" / "case_003.nii.gz").unlink()
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path, layout="decathlon")
    places = ["/".join(Path(fault.where).parts[-2:]) for fault in caught.value.faults]
    assert places == ["imagesTr/case_001.nii.gz", "labelsTr/case_003.nii.gz"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "must hold a JSON object, not list"),
        ("{}", "'training' must be a list"),
        ('{"training": {}}', "'training' must be a list"),
        ('{"training": []}', "'training' must be a list"),
        ('{"training": [{"image": "a"}]}', r"training\[0\].label\n  - must be a relative path"),
        ('{"training": ["a"]}', r"training\[0\].image\n"),
        ('{"training": [{"image": 3, "label": "b"}]}', "must be a relative path, not 3"),
    ],
)
def test_malformed_description_names_the_field(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(tmp_path, layout="decathlon")
    assert "dataset.json" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,group\ncase_001,a\n", r"lacks the column\(s\) subject_group"),
        ("", r"lacks the column\(s\) case, subject_group"),
        ("case,subject_group\ncase_001,a\n", "no subject_group for case 'case_002'"),
        (
            "case,subject_group\ncase_001,a\ncase_001,b\ncase_002,b\n",
            "case 'case_001' into 'a' and 'b'",
        ),
    ],
)
def test_malformed_groups_name_column_or_case(tmp_path: Path, text: str, message: str) -> None:
    make_task(tmp_path, (1, 2))
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path, layout="decathlon")


def test_hippocampus_case_without_number_is_a_fault(tmp_path: Path) -> None:
    make_task(tmp_path, (1,))
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder / "left.nii.gz").touch()
    write_training(tmp_path, [pair("left")])
    with pytest.raises(DatasetError, match="left\n  - has no number"):
        read_dataset(tmp_path, layout="decathlon")
