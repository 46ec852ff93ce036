"""Configs read like a page: their layout, and how long they may be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.bundling.rendering import all_combinations
from iac_components.bundling.rendering.json_layout import WIDTH, to_json

BUNDLES = Path(__file__).parents[3] / "bundles"
MOST_LINES, MOST_EXPRESSIONS = 300, 25

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=12), VALUES))
def test_what_is_written_is_read_again(content):
    assert json.loads(to_json(content)) == content


def test_order_stays_but_for_monais_own_words():
    content = {"b": 1, "a": {"x": "y" * WIDTH, "_target_": "T", "_requires_": "@c"}}
    found = json.loads(to_json(content))
    assert list(found) == ["b", "a"]
    assert list(found["a"]) == ["_target_", "_requires_", "x"]


def test_short_values_stand_on_a_line():
    transform = {"_target_": "RandFlipd", "keys": ["image", "label"], "spatial_axis": 0}
    text = to_json({"size": [48, 64], "transforms": [transform, "@voxel_values", "x" * WIDTH]})
    assert '    "size": [48, 64],\n' in text
    assert f"        {json.dumps(transform)},\n" in text


def test_long_ones_fill_their_lines():
    names = [f"operation_{number}" for number in range(20)]
    text = to_json({"names": names, "loss": {"_target_": "L", **dict.fromkeys(names, 1)}})
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert '        "_target_": "L",' in lines
    assert len(lines) < 2 * len(names)


def test_expressions_of_a_list_have_a_line_each():
    steps = [f"$f({'x' * 40})", f"$g({'x' * 70})"]
    assert to_json({"run": steps}).count("\n") == 6


@pytest.mark.parametrize("combination", all_combinations(), ids=lambda one: one.prefix)
def test_no_config_is_longer_than_a_page(combination):
    for stage in ("search", "train", "inference"):
        path = combination.root(stage) / "configs" / f"{stage}.json"
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES, path
        assert len(re.findall(r'"\$', text)) <= MOST_EXPRESSIONS, path
