"""Every reader takes its own type and nothing near it, and names the place of what it refuses."""

from __future__ import annotations

import json

import pytest

from iac_components.common.files.json_fields import Fields


class FileError(ValueError):
    """Stands for the error of a file format."""


def fields(**values):
    return Fields.of({"outer": {"inner": values}}, error=FileError).child("outer").child("inner")


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("integer", 3, 3),
        ("number", 3, 3.0),
        ("number", -0.5, -0.5),
        ("boolean", False, False),
        ("string", "", ""),
        ("strings", ["a", "b"], ("a", "b")),
        ("integers", [3, -1], (3, -1)),
        ("items", [1, None], [1, None]),
    ],
)
def test_good_values(reader, value, expected):
    read = getattr(fields(key=value), reader)("key")
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    ("reader", "value", "message"),
    [
        ("integer", 1.0, "must be an integer, got 1.0"),
        ("integer", True, "must be an integer, got True"),
        ("number", True, "must be a number, got True"),
        ("number", "1", "must be a number, got '1'"),
        ("number", json.loads("NaN"), "must be a finite number, got nan"),
        ("number", json.loads("-Infinity"), "must be a finite number, got -inf"),
        ("number", 10**400, "must be a finite number, got 1000"),
        ("boolean", 1, "must be true or false, got 1"),
        ("string", None, "must be a string, got None"),
        ("strings", ["a", 1], "must be a string, got 1"),
        ("strings", "ab", "must be a list, got str"),
        ("integers", [0, 1.0], "must be an integer, got 1.0"),
        ("integers", 0, "must be a list, got int"),
        ("items", {}, "must be a list, got dict"),
        ("child", [], "must be a JSON object, got list"),
        ("children", [{}, 5], r"\[1\] must be a JSON object, got int"),
    ],
)
def test_wrong_type_is_named_by_its_place(reader, value, message):
    place = r"^outer\.inner\.key ?"
    with pytest.raises(FileError, match=place + message):
        getattr(fields(key=value), reader)("key")


@pytest.mark.parametrize("reader", ["integer", "number", "boolean", "string", "items", "child"])
def test_missing_field(reader):
    with pytest.raises(FileError, match=r"^field 'outer\.inner\.key' is missing\.$"):
        getattr(fields(), reader)("key")


def test_children_know_their_place():
    children = fields(key=[{"a": 1}, {"a": "x"}]).children("key")
    assert children[0].integer("a") == 1
    with pytest.raises(FileError, match=r"^outer\.inner\.key\[1\]\.a must be an integer"):
        children[1].integer("a")


def test_version_and_digest():
    top = Fields.of({"schema_version": 2, "digest": "x"}, error=FileError)
    assert top.require_version(1, 2) == 2
    with pytest.raises(FileError, match=r"schema_version is 2, this package reads 3 and 4\. Up"):
        top.require_version(3, 4)
    top.require_digest("x", of="cell")
    Fields.of({}, error=FileError).require_digest("x", of="cell")
    with pytest.raises(FileError, match=r"schema_version is 2, this package reads 1\. Upgrade"):
        top.require_version(1)
    with pytest.raises(FileError, match="digest is 'x', but the cell's is 'y'"):
        top.require_digest("y", of="cell")
