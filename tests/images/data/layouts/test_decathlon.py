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
    assert places[:2] == ["imagesTr/case_001.nii.gz", "labelsTr/case_003.nii.gz"]


@pytest.mark.parametrize("name", ["Groups.csv", "GROUPS.CSV"])
def test_groups_file_of_any_spelling_is_read(tmp_path: Path, name: str) -> None:
    make_task(tmp_path, (1, 2))
    (tmp_path / name).write_text("case,subject_group\ncase_001,b\ncase_002,a\n")
    assert patients(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_groups_file_that_is_no_file_is_not_left_out(tmp_path: Path, kind: str) -> None:
    make_task(tmp_path, (1, 2))
    groups = tmp_path / "groups.csv"
    groups.mkdir() if kind == "folder" else groups.symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(DatasetError, match=r"groups\.csv' cannot be read"):
        patients(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"not valid JSON .* It is cut off\. Download it again"),
        ('{"training": [', r"not valid JSON .* It is cut off\. Download it again"),
        ('{"training": ["a', r"not valid JSON .* It is cut off\. Download it again"),
        ('{"training": [,]}', r"not valid JSON .*line 1 column.*Correct it at that place"),
        ('{"training": ["imagesTr\\a.nii"]}', r"not valid JSON .*Write paths with / "),
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_text_files_are_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    make_task(tmp_path, (1, 2))
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name / "case_002.nii.gz").rename(tmp_path / name / "Schädel.nii.gz")
    content = {"name": "Kopf", "training": [pair("case_001"), pair("Schädel")]}
    text = json.dumps(content, ensure_ascii=False)
    (tmp_path / "dataset.json").write_bytes(text.encode(encoding))
    groups = "case,subject_group\ncase_001,Müller\nSchädel,Weiß\n"
    (tmp_path / "groups.csv").write_bytes(groups.encode(encoding))
    assert patients(tmp_path) == ["Müller", "Weiß"]


@pytest.mark.parametrize(
    "text",
    [
        'case;subject_group\r\ncase_001;"a, b"\r\n"case_002";c\r\n',
        'sep=;\n"case";"subject_group"\n"case_001";"a, b"\n"case_002";"c"\n',
        "case\tsubject_group\tage\ncase_001\ta, b\t3\ncase_002\tc\t4\n",
        'case, subject_group\ncase_001, "a, b"\ncase_002 , c \n',
    ],
)
def test_groups_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    make_task(tmp_path, (1, 2))
    (tmp_path / "groups.csv").write_text(text)
    assert patients(tmp_path) == ["a, b", "c"]


def test_groups_that_are_no_text_are_named(tmp_path: Path) -> None:
    make_task(tmp_path, (1,))
    (tmp_path / "groups.csv").write_bytes(b"PK\x03\x04\x00\x81")
    with pytest.raises(DatasetError, match=r"groups.csv.*not text in UTF-8") as caught:
        read_dataset(tmp_path, layout="decathlon")
    assert "ownload" not in str(caught.value)


def test_a_group_that_is_missing_in_a_row_is_named(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2))
    (tmp_path / "groups.csv").write_text("case,subject_group\ncase_001\ncase_002, \n")
    with pytest.raises(DatasetError, match="no subject_group for case 'case_001'") as caught:
        read_dataset(tmp_path, layout="decathlon")
    assert len(caught.value.faults) == 2


def test_backslashes_are_separators(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2))
    one = {"image": "imagesTr\\case_001.nii.gz", "label": ".\\labelsTr\\case_001.nii.gz"}
    write_training(tmp_path, [one, pair("case_002")])
    cases = read_dataset(tmp_path, layout="decathlon")
    assert [case.image for case in cases] == sorted((tmp_path / "imagesTr").iterdir())
    assert [case.name for case in cases] == ["case_001", "case_002"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../other/case_001.nii.gz", "leads out of"),
        ("imagesTr/../../other/case_001.nii.gz", "leads out of"),
        ("..\\other\\case_001.nii.gz", "leads out of"),
        ("{root}/other/case_001.nii.gz", "leads out of"),
        ("{root}/task_2/case_001.nii.gz", "leads out of"),
        ("C:\\data\\case_001.nii.gz", "leads out of"),
        ("imagesTr\new.nii.gz", r"Write paths with / \(or each backslash twice\)"),
    ],
)
def test_paths_that_lead_out_of_the_folder_are_refused(
    tmp_path: Path, path: str, message: str
) -> None:
    task = make_task(tmp_path / "task", (1,))
    for name in ("other", "task_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "case_001.nii.gz").touch()
    write_training(task, [{**pair("case_001"), "image": path.replace("{root}", str(tmp_path))}])
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(task, layout="decathlon")
    assert caught.value.faults[0].where == "training[0].image"


def test_links_out_of_the_folder_and_paths_within_are_followed(tmp_path: Path) -> None:
    make_task(tmp_path / "original", (1,))
    task = tmp_path / "task"
    task.mkdir()
    (task / "labelsTr").symlink_to(tmp_path / "original" / "labelsTr")
    (task / "a.nii.gz").symlink_to(tmp_path / "original" / "imagesTr" / "case_001.nii.gz")
    write_training(
        task, [{"image": str(task / "a.nii.gz"), "label": "x/../labelsTr/case_001.nii.gz"}], "Heart"
    )
    assert [case.name for case in read_dataset(task, layout="decathlon")] == ["a"]


def test_a_name_too_long_is_a_missing_file(tmp_path: Path) -> None:
    make_task(tmp_path, (1,))
    write_training(tmp_path, [{**pair("case_001"), "image": f"imagesTr/{'1' * 300}.nii.gz"}])
    with pytest.raises(DatasetError, match="is missing"):
        read_dataset(tmp_path, layout="decathlon")


def test_two_cases_of_one_name_are_both_named(tmp_path: Path) -> None:
    make_task(tmp_path, (1, 2), name="Heart")
    (tmp_path / "more").mkdir()
    second = tmp_path / "more" / "case_001.NII"
    second.touch()
    twin = {"image": "more/case_001.NII", "label": "labelsTr/case_002.nii.gz"}
    write_training(tmp_path, [pair("case_001"), twin], "Heart")
    with pytest.raises(DatasetError, match="Rename one of the two") as caught:
        read_dataset(tmp_path, layout="decathlon")
    message = str(caught.value)
    assert str(second) in message
    assert str(tmp_path / "imagesTr" / "case_001.nii.gz") in message

    write_training(tmp_path, [pair("case_001"), pair("case_001")], "Heart")
    with pytest.raises(DatasetError, match="is named twice"):
        read_dataset(tmp_path, layout="decathlon")
