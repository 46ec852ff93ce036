from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data import Case, Folds, load_folds, load_or_make_folds, make_folds, save_folds
from iac_components.data.splits.folds_file import _content, _digest, _parse

Content = dict[str, object]


def make_cases(count: int) -> list[Case]:
    return [
        Case(f"p{number}", f"p{number}_{side}", Path("image.nii"), Path("label.nii"))
        for number in range(count)
        for side in "ab"
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "folds.json"
    save_folds(make_folds([f"p{n}" for n in range(10)], layout="acdc", seed=3), path)
    return path


@given(
    patients=st.lists(st.text(min_size=1, max_size=6), min_size=5, max_size=20, unique=True),
    seed=st.integers(0, 2**40),
)
def test_json_round_trip(patients: list[str], seed: int) -> None:
    folds = make_folds(patients, layout="größe", seed=seed)
    content = json.loads(json.dumps({**_content(folds), "digest": _digest(_content(folds))}))
    assert _parse(content) == folds


def test_made_once_then_reused(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folds.json"
    made = load_or_make_folds(path, make_cases(10), layout="acdc", num_folds=4, seed=1)
    written = path.read_bytes()
    with pytest.warns(UserWarning, match="split_seed 1 in 4 folds .* split_seed 2 and num_folds 5"):
        again = load_or_make_folds(path, make_cases(7), layout="acdc", num_folds=5, seed=2)
    assert again == made == load_folds(path)
    assert len(made.folds) == 4
    assert path.read_bytes() == written
    assert [p.name for p in path.parent.iterdir()] == ["folds.json"]


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folds = load_or_make_folds(None, make_cases(10), layout="acdc", seed=5)
    assert folds == make_folds({case.patient for case in make_cases(10)}, layout="acdc", seed=5)
    assert not list(tmp_path.iterdir())


def test_missing_patients_are_named(file: Path) -> None:
    with pytest.raises(ValueError, match=r"lacks 2 patient\(s\) of the dataset: p10, p11\."):
        load_or_make_folds(file, make_cases(12), layout="acdc", seed=3)


def test_another_layout_is_refused(file: Path) -> None:
    with pytest.raises(ValueError, match="of layout 'acdc', the dataset of 'decathlon'"):
        load_or_make_folds(file, make_cases(5), layout="decathlon", seed=3)


def move_a_patient(content: Content) -> None:
    folds = content["folds"]
    assert isinstance(folds, list)
    folds[0].append(folds[1].pop())


def repeat_a_patient(content: Content) -> None:
    folds = content["folds"]
    assert isinstance(folds, list)
    folds[0].append(folds[1][0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (move_a_patient, "digest does not fit"),
        (repeat_a_patient, r"patient\(s\) p\d occur more than once"),
        (lambda content: content.update(seed=4), "digest does not fit"),
        (lambda content: content.update(schema_version=2), "schema_version is 2, 1 is read"),
        (lambda content: content.pop("seed"), "seed is missing"),
        (lambda content: content.update(seed=True), "seed is missing or of the wrong type"),
        (lambda content: content.pop("digest"), "digest is missing"),
        (lambda content: content.update(folds=[["a"], "b"]), r"folds\[1\] must be a list"),
        (lambda content: content.update(folds=[["a"], [1]]), r"folds\[1\] must be a list"),
    ],
)
def test_a_changed_file_names_itself_and_the_field(
    file: Path, change: Callable[[Content], None], message: str
) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as caught:
        load_or_make_folds(file, make_cases(10), layout="acdc")
    assert str(file) in str(caught.value)
    assert "--folds_file" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", "[" * 100_000])
def test_a_foreign_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "folds.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="Folds file"):
        load_folds(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load_or_make_folds(tmp_path, make_cases(10), layout="acdc")


def test_an_unwritable_place_names_the_option(file: Path) -> None:
    with pytest.raises(OSError, match=r"folds_file .* cannot be written"):
        load_or_make_folds(file / "folds.json", make_cases(10), layout="acdc")


def test_white_space_does_not_matter(file: Path) -> None:
    folds: Folds = load_folds(file)
    file.write_text(json.dumps(json.loads(file.read_text())))
    assert load_folds(file) == folds


def with_folds(*folds: int | None, patients: str = "abcdef") -> list[Case]:
    return [
        Case(patient, f"{patient}{number}", Path("i.nii"), Path("l.nii"), fold)
        for number, (patient, fold) in enumerate(zip(patients, folds, strict=False))
    ]


def test_stated_folds_are_honoured_and_written(tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    cases = with_folds(0, 2, 1, 0, 2, 1)
    folds = load_or_make_folds(path, cases, layout="auto3dseg", num_folds=5)
    assert folds.folds == (("a", "d"), ("c", "f"), ("b", "e"))
    assert load_folds(path) == folds


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (with_folds(0, 1, None), "c2 have no fold, 2 others have one"),
        (with_folds(0, 0, 1, patients="aba"), "patient 'a' is in fold 0 and 1"),
        (with_folds(0, 2, 0), "lack number 1"),
        (with_folds(0, 0), "are one; they must be numbered from 0 on, 2 or more"),
    ],
)
def test_stated_folds_that_make_no_sense_are_refused(cases: list[Case], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_or_make_folds(None, cases, layout="auto3dseg")
