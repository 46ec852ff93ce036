"""A data set's description of itself is read, checked and made harmless."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iac_components.bundling.own_data.reading.description import (
    DatasetDescription,
    modality_of,
    plain_text,
    read_description,
)
from iac_components.data import DatasetError


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("CT", "CT"),
        ("ct", "CT"),
        ("CT scan", "CT"),
        ("Computed Tomography", "CT"),
        ("CT_arterial", "CT"),
        ("MRI", "MR"),
        ("t1gd", "MR"),
        ("T2 weighted", "MR"),
        ("magnetic resonance", "MR"),
        ("PET (SUV)", "PET"),
        # Not in Hounsfield units, or not to be told.
        ("CBCT", "CBCT"),
        ("cone-beam computed tomography", "cone-beam computed tomography"),
        ("SPECT", "SPECT"),
        ("PET/CT", "PET/CT"),
    ],
)
def test_modality_is_told_by_the_channels_name(name, modality):
    assert modality_of(name) == modality
    assert modality_of("angiogram") == "angiogram"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  a\n b ", "a b"),
        ("$__import__('os')", "__import__('os')"),
        ("@+$%x", "x"),
        ("see a@b.org, 5 %", "see a@b.org, 5 %"),
        ("x @##y %#z @::w", "x ##y #z ::w"),
        ("", "not stated"),
        (None, "not stated"),
        ("x" * 999, "x" * 300),
    ],
)
def test_text_cannot_become_an_expression(text, plain):
    assert plain_text(text) == plain


def describe(folder: Path, **content: object) -> DatasetDescription:
    (folder / "dataset.json").write_text(json.dumps(content))
    return read_description(folder, layout="decathlon")


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "2": "Spleen", "1": "The Liver"},
        {"background": 0, "Spleen": 2, "The Liver": 1},
    ],
)
@pytest.mark.parametrize("field", ["modality", "channel_names"])
def test_both_spellings_are_read(tmp_path, labels, field):
    read = describe(tmp_path, labels=labels, license="MIT", **{field: {"1": "b", "0": "a"}})
    assert read.classes.names == ("the_liver", "spleen")
    assert read.channel_names == ("a", "b")
    assert read.terms == {"licence": "MIT", "release": "not stated", "reference": "not stated"}


BACKGROUND = {"0": "background"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "field 'labels'.*must be an object"),
        ({"labels": ["liver"]}, "field 'labels'.*must be an object"),
        ({"labels": BACKGROUND}, "no class beside the background"),
        ({"labels": {"1": "a"}}, r"lacks the value\(s\) 0"),
        ({"labels": {"0": "liver", "1": "a"}}, "calls the value 0 'liver'.*must be the background"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, r"value\(s\) 1 more than one name"),
        ({"labels": {"background": 0, "whole": [0, 1]}}, "a region that holds 0"),
        ({"labels": {"background": 0, "whole": []}}, "whole number, or a list"),
        ({"labels": {"background": 0, "a": True}}, "whole number"),
        ({"labels": {**BACKGROUND, "1": "A b", "2": "a-B"}}, "several values the name a_b"),
        (
            {"labels": {**BACKGROUND, "1": "a", "2": "ignore"}},
            "'ignore': labels to ignore",
        ),
        ({"labels": {**BACKGROUND, "1": "a"}, "modality": "CT"}, "field 'modality'"),
        ({"labels": {**BACKGROUND, "1": "a"}, "channel_names": {"1": "CT"}}, "'channel_names'"),
    ],
)
def test_a_wrong_description_names_its_field(tmp_path, content, message):
    with pytest.raises(DatasetError, match=f"(?s){message}"):
        describe(tmp_path, **content)


def test_all_faults_of_a_description_are_told_at_once(tmp_path):
    with pytest.raises(DatasetError) as error:
        describe(tmp_path, labels={"0": "liver", "2": "a"}, modality=[])
    assert len(error.value.faults) == 2


def test_official_data_sets_are_described_by_the_collection(tmp_path):
    acdc = read_description(tmp_path, layout="acdc")
    assert acdc.classes.names == ("right_ventricle", "myocardium", "left_ventricle")
    assert acdc.channel_names == ("MR",)
    brats = read_description(tmp_path, layout="brats")
    assert brats.classes.mapping == {4: 3}
    assert brats.classes.label_values == [0, 1, 2, 3, 4]
    assert brats.classes.regions["tumour_core"] == (1, 3)


def test_a_folder_pair_may_say_nothing_or_something(tmp_path):
    assert read_description(tmp_path, layout="folder_pair").classes is None
    (tmp_path / "dataset.json").write_text(
        '{"modality": "ct", "labels": {"background": 0, "a": 9}}'
    )
    read = read_description(tmp_path, layout="folder_pair")
    assert (read.channel_names, read.classes.mapping) == (("ct",), {9: 1})
