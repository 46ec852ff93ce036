from __future__ import annotations

import json
from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset

PARTS = {"training": "Tr", "validation": "Va", "test": "Ts"}


def make_amos(root: Path, **numbers: tuple[int, ...]) -> dict[str, list[dict[str, str]]]:
    """Write empty files; ``test=(3,)`` writes an image without label."""
    lists: dict[str, list[dict[str, str]]] = {part: [] for part in PARTS}
    for part, chosen in numbers.items():
        for number in chosen:
            entry = {}
            for kind in ("image",) if part == "test" else ("image", "label"):
                entry[kind] = f"./{kind}s{PARTS[part]}/amos_{number:04d}.nii.gz"
                (root / entry[kind]).parent.mkdir(exist_ok=True)
                (root / entry[kind]).touch()
            lists[part].append(entry)
    write(root, lists)
    return lists


def write(root: Path, content: object) -> None:
    (root / "dataset.json").write_text(json.dumps(content))


def names(root: Path) -> list[str]:
    cases = read_dataset(root, layout="amos")
    assert all(case.patient == case.name for case in cases)
    return [case.name for case in cases]


def test_training_and_validation_are_read_and_test_is_left_out(tmp_path: Path) -> None:
    make_amos(tmp_path, training=(4, 507), validation=(1,), test=(3,))
    assert names(tmp_path) == ["amos_0001", "amos_0004", "amos_0507"]
    assert [
        str(case.label.relative_to(tmp_path)) for case in read_dataset(tmp_path, layout="amos")
    ] == [
        "labelsVa/amos_0001.nii.gz",
        "labelsTr/amos_0004.nii.gz",
        "labelsTr/amos_0507.nii.gz",
    ]


def test_validation_without_labels_is_left_out(tmp_path: Path) -> None:
    lists = make_amos(tmp_path, training=(1,), validation=(2, 3))
    for change in (
        [{"image": entry["image"]} for entry in lists["validation"]],
        [entry["image"] for entry in lists["validation"]],
        [],
        None,
    ):
        write(tmp_path, {**lists, "validation": change})
        assert names(tmp_path) == ["amos_0001"]


def test_validation_whose_labels_were_not_downloaded_is_left_out(tmp_path: Path) -> None:
    make_amos(tmp_path, training=(1,), validation=(2,))
    (tmp_path / "labelsVa" / "amos_0002.nii.gz").unlink()
    (tmp_path / "labelsVa").rmdir()
    assert names(tmp_path) == ["amos_0001"]


def test_missing_files_of_both_lists_are_all_named(tmp_path: Path) -> None:
    make_amos(tmp_path, training=(1, 2), validation=(3, 4))
    (tmp_path / "imagesTr" / "amos_0001.nii.gz").unlink()
    (tmp_path / "labelsVa" / "amos_0004.nii.gz").unlink()
    with pytest.raises(DatasetError) as caught:
        names(tmp_path)
    # The files of no bytes that are there follow.
    assert ["/".join(Path(fault.where).parts[-2:]) for fault in caught.value.faults][:2] == [
        "imagesTr/amos_0001.nii.gz",
        "labelsVa/amos_0004.nii.gz",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": None}, "field 'training' must be a list"),
        ({"training": [{"image": "a"}]}, r"training\[0\].label\n  - must be a relative path"),
        ({"validation": [{"image": 3, "label": "b"}]}, r"validation\[0\].image\n  - must be a rel"),
    ],
)
def test_malformed_description_names_the_field(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    lists = make_amos(tmp_path, training=(1,), validation=(2,))
    write(tmp_path, {**lists, **change})
    with pytest.raises(DatasetError, match=message):
        names(tmp_path)


def test_missing_description_names_the_folder_to_pass(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected dataset.json.*unpacked amos22 folder"):
        names(tmp_path)
