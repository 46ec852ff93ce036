from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iac_components.data import DatasetError, check_description, register_description
from iac_components.data.layouts.described.description import describe_dataset

ORGANS = [f"organ_{number}" for number in range(15)]


def write(folder: Path, content: object) -> Path:
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("phantom", "layout", "class_names", "num_channels"),
    [
        ("decathlon", "decathlon", ["anterior", "posterior"], 1),
        ("amos", "amos", ORGANS, 1),
        ("acdc", "acdc", ["a"], 7),
        ("brats", "brats", ["a"], 7),
        ("kits", "kits", ["a"], 7),
    ],
)
def test_what_fits_or_states_nothing_passes(
    phantoms: dict[str, Path],
    phantom: str,
    layout: str,
    class_names: list[str],
    num_channels: int,
) -> None:
    check_description(
        phantoms[phantom], layout=layout, class_names=class_names, num_channels=num_channels
    )


def test_real_hippocampus_passes(real_dataset: Callable[[str], Path]) -> None:
    check_description(
        real_dataset("Task04_Hippocampus"),
        layout="decathlon",
        class_names=["anterior", "posterior"],
        num_channels=1,
    )


@pytest.mark.parametrize("layout", ["decathlon", "amos"])
def test_each_number_that_differs_is_named_with_both_values(tmp_path: Path, layout: str) -> None:
    labels = {"0": "background", "1": "edema", "2": "core"}
    modality = {str(index): f"MR{index}" for index in range(4)}
    write(tmp_path, {"labels": labels, "modality": modality})
    with pytest.raises(DatasetError) as caught:
        check_description(tmp_path, layout=layout, class_names=["heart"], num_channels=1)
    assert str(tmp_path / "dataset.json") in str(caught.value)
    assert [(fault.where, fault.problem) for fault in caught.value.faults] == [
        (
            "field 'labels'",
            "names 2 (edema, core), but class_names of this bundle is 1 (heart)",
        ),
        ("field 'modality'", "names 4 (MR0, MR1, MR2, MR3), but in_channels of this bundle is 1"),
    ]
    assert "set class_names" in caught.value.faults[0].remedy
    assert "set in_channels" in caught.value.faults[1].remedy


@pytest.mark.parametrize(
    ("content", "class_names", "num_channels", "fields"),
    [
        ({}, ORGANS, 9, []),
        ({"labels": {"1": "a"}}, ["a"], 9, []),
        ({"labels": {"0": "background"}}, ["a"], 9, ["labels"]),
        ({"modality": {"0": "CT"}}, ORGANS, 2, ["modality"]),
    ],
)
def test_only_what_is_stated_is_compared(
    tmp_path: Path,
    content: object,
    class_names: list[str],
    num_channels: int,
    fields: list[str],
) -> None:
    write(tmp_path, content)
    faults: tuple[str, ...] = ()
    try:
        check_description(
            tmp_path, layout="amos", class_names=class_names, num_channels=num_channels
        )
    except DatasetError as error:
        faults = tuple(fault.where for fault in error.faults)
    assert faults == tuple(f"field '{field}'" for field in fields)


def test_malformed_fields_are_all_named(tmp_path: Path) -> None:
    write(tmp_path, {"labels": ["a"], "modality": "CT"})
    with pytest.raises(DatasetError) as caught:
        check_description(tmp_path, layout="decathlon", class_names=["a"], num_channels=1)
    assert [(fault.where, fault.problem) for fault in caught.value.faults] == [
        ("field 'labels'", "must be an object of values and their names, not \"['a']\""),
        ("field 'modality'", "must be an object of values and their names, not 'CT'"),
    ]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("amos", "expected dataset.json.*amos22"),
        ("decathlon", "expected dataset.json.*TaskNN"),
        ("acd", "layout 'acd' is unknown"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, layout: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_description(tmp_path, layout=layout, class_names=["a"], num_channels=1)


@pytest.mark.parametrize("layout", ["acdc", "amos"])
def test_missing_folder_is_left_to_the_reader(tmp_path: Path, layout: str) -> None:
    check_description(tmp_path / "no", layout=layout, class_names=["a"], num_channels=1)


def test_a_description_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'amos' is registered already"):
        register_description("amos")(lambda folder: pytest.fail("never called"))


def test_a_dataset_is_described(phantoms):
    described = describe_dataset(phantoms["decathlon"], layout="decathlon")
    assert described.classes == ("Anterior", "Posterior")
    assert describe_dataset(phantoms["acdc"], layout="acdc") is None
