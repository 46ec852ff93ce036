"""The description of a user's data set: its spellings, and its faults by field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from iac_components.bundling.own_data.description import (
    DatasetDescription,
    plain_text,
    read_description,
)

from iac_components.data import DatasetError


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
    return read_description(folder)


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
    assert read.class_names == ("the_liver", "spleen")
    assert read.channel_names == ("a", "b")
    assert read.terms == {"licence": "MIT", "release": "not stated", "reference": "not stated"}


BACKGROUND = {"0": "background"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "field 'labels'.*must be an object"),
        ({"labels": ["liver"]}, "field 'labels'.*must be an object"),
        ({"labels": BACKGROUND}, "no class beside the background"),
        ({"labels": {**BACKGROUND, "1": "a", "3": "b", "6": "c"}}, r"lacks the value\(s\) 2, 4, 5"),
        ({"labels": {"1": "a"}}, r"lacks the value\(s\) 0"),
        ({"labels": {"0": "liver", "1": "a"}}, "calls the value 0 'liver'.*must be the background"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, r"value\(s\) 1 more than one name"),
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "regions"),
        ({"labels": {"background": 0, "a": True}}, "whole number"),
        ({"labels": {**BACKGROUND, "1": "A b", "2": "a-B"}}, "several values the name a_b"),
        ({"labels": {**BACKGROUND, "1": "a", "2": "ignore"}}, "'ignore', which is no class"),
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
    assert len(error.value.faults) == 3
