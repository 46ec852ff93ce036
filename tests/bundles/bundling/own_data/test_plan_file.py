"""The plan is one file: what is edited there stays, what is not follows the data and the rules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from given_facts import given_facts

from iac_components.bundling.own_data import Choice, compare_plan, read_plan, write_plan

FACTS = given_facts(channels=("MR",))
RULES = [
    Choice("patch_size", [96, 96], "median", "nnU-Net"),
    Choice("batch_size", {"search": 8, "train": 16}, "fits", "our choice", by_stage=True),
]


def written(path, choices=RULES, **edits):
    write_plan(path, choices, RULES, facts=FACTS, remarks=["a remark"])
    content = json.loads(path.read_text())
    for key, value in edits.items():
        content["decisions"][key]["value"] = value
    path.write_text(json.dumps(content))
    return read_plan(path)


def test_a_plan_is_read_as_it_was_written(tmp_path):
    assert read_plan(tmp_path / "plan.json") is None
    plan = written(tmp_path / "plan.json")
    assert compare_plan(plan, RULES, facts=FACTS) == (RULES, [])
    content = json.loads((tmp_path / "plan.json").read_text())
    assert content["decisions"]["patch_size"]["source"] == "nnU-Net"
    assert content["remarks"] == ["a remark"]


def test_an_edited_value_is_kept_and_said(tmp_path):
    plan = written(tmp_path / "plan.json", patch_size=[64, 64])
    choices, said = compare_plan(plan, RULES, facts=FACTS)
    assert choices[0].value == [64, 64]
    assert choices[0].source == "the plan"
    assert said == ["patch_size: [64, 64], as edited in the plan; the rules give [96, 96]."]
    # A third run still knows that it was edited.
    write_plan(tmp_path / "plan.json", choices, RULES, facts=FACTS, remarks=[])
    again, _ = compare_plan(read_plan(tmp_path / "plan.json"), RULES, facts=FACTS)
    assert again[0].value == [64, 64]


def test_what_was_not_edited_follows_the_rules_and_is_said(tmp_path):
    plan = written(tmp_path / "plan.json")
    now = [replace(RULES[0], value=[112, 96]), RULES[1]]
    more = given_facts(channels=("MR",), volumes=8)
    choices, said = compare_plan(plan, now, facts=more)
    assert choices == now
    assert "patch_size: [112, 96], was [96, 96]." in said
    assert any("planned with 6 for cases, and now has 8" in sentence for sentence in said)


@pytest.mark.parametrize("value", ["large", 3, None, {"a": 1}])
def test_an_edit_of_another_kind_is_refused(tmp_path, value):
    plan = written(tmp_path / "plan.json", patch_size=value)
    with pytest.raises(ValueError, match=r"decisions.patch_size.value of the plan is"):
        compare_plan(plan, RULES, facts=FACTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "plan.json"), ("[]", "plan_version must be 1"), ('{"plan_version": 1}', "'decisions'")],
)
def test_a_file_that_is_no_plan_is_named(tmp_path, text, message):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_plan(tmp_path / "plan.json")
