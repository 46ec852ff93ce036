"""The criterion of a search: a name or an object, and the options that each has a use for."""

from __future__ import annotations

import pytest

from iac_components.bundling.options import unused_with

OWN = {"_target_": "iac_components.search.JensenShannonStability", "window": 2}


@pytest.mark.parametrize("name", ["stability", "floor", "audit", "both"])
def test_each_name_is_an_option(refusal, name):
    assert refusal("search", {"criterion": name}) is None


@pytest.mark.parametrize("value", ["", "jsd", "Audit", 3, True, None, ["audit"], {"window": 2}])
def test_anything_else_is_refused_in_one_line(refusal, value):
    message = refusal("search", {"criterion": value})
    assert message.startswith("--criterion is")
    assert "\n" not in message


def test_an_object_may_stand_for_the_name(refusal):
    assert refusal("search", {"criterion": OWN}) is None
    assert refusal("search", {"criterion": "@stability"}) is None
    assert "no argument 'widow'" in refusal("search", {"criterion": {**OWN, "widow": 2}})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("tolerance", -0.1), ("tolerance", "small"), ("alpha", 0), ("alpha", 1)),
        *(("images_a_patient", 0), ("images_a_patient", 1.5), ("audit_every", 0)),
        *(("cost", "seconds"), ("max_cost", 0.99), ("max_cost", "cheap")),
    ],
)
def test_values_out_of_range_are_refused(refusal, option, value):
    message = refusal("search", {"criterion": "audit", option: value})
    assert message.startswith(f"--{option} is {value!r}")


AUDIT_ONLY = {"audit_every": 2, "cost": "milliseconds", "max_cost": 1.15, "tolerance": 0.01}


@pytest.mark.parametrize(("option", "value"), AUDIT_ONLY.items())
@pytest.mark.parametrize("criterion", ["stability", "floor", OWN])
def test_an_option_of_the_audit_is_refused_without_it(refusal, criterion, option, value):
    message = refusal("search", {"criterion": criterion, option: value})
    assert message.startswith(f"--{option} is {value!r}")
    assert "pass --criterion audit or both" in message


@pytest.mark.parametrize("criterion", ["audit", "both"])
def test_options_of_the_audit_pass_with_it(refusal, criterion):
    given = {"criterion": criterion, **AUDIT_ONLY, "alpha": 0.1}
    assert refusal("search", given) is None


@pytest.mark.parametrize(
    ("option", "value"), [("keep_schedule", [2, 1]), ("edge_schedule", [3, 2])]
)
def test_schedules_need_pruning(refusal, option, value):
    given = {"criterion": "stability", "num_nodes": 4, option: value}
    assert refusal("search", given) is None
    assert "pass --pruning True" in refusal("search", {**given, "pruning": False})


@pytest.mark.parametrize("criterion", ["audit", "both"])
def test_schedules_are_refused_where_the_audit_decides(refusal, criterion):
    for option, value in (("keep_schedule", [2, 1]), ("edge_schedule", [3, 2])):
        message = refusal("search", {"criterion": criterion, option: value})
        assert message.startswith(f"--{option} is {value!r}")
        assert "pass --criterion stability or floor" in message


@pytest.mark.parametrize(("option", "value"), [("audit_every", 2), ("tolerance", 0.01)])
def test_looks_need_pruning(refusal, option, value):
    given = {"criterion": "audit", option: value, "pruning": False}
    assert "pass --pruning True" in refusal("search", given)
    assert refusal("search", {"criterion": "audit", "pruning": False}) is None


def test_a_unit_of_cost_needs_pruning_or_a_bound(refusal):
    given = {"criterion": "audit", "cost": "milliseconds", "pruning": False}
    message = refusal("search", given)
    assert message.startswith("--cost is 'milliseconds': with --pruning False it has no use")
    assert refusal("search", {**given, "max_cost": 1.5}) is None


def test_what_the_closing_look_uses_passes_with_every_criterion(refusal):
    closing = {"alpha": 0.1, "images_a_patient": 2}
    for criterion in ("stability", "floor", "audit", "both", OWN):
        assert refusal("search", {"criterion": criterion, **closing}) is None


def test_what_has_its_default_is_not_refused():
    values = {"criterion": "stability", "cost": "milliseconds"}
    assert list(unused_with(values, [], method="iac")) == []
    (sentence,) = unused_with(values, ["cost"], method="iac")
    assert sentence.startswith("--cost is 'milliseconds': with --criterion stability")


@pytest.mark.parametrize("criterion", ["audit", "both"])
def test_a_schedule_that_is_not_followed_need_not_fit(refusal, criterion):
    few = {"operations": ["none", "skip_connect", "sep_conv_3x3"], "num_nodes": 1}
    assert refusal("search", {"criterion": criterion, **few}) is None
    followed = refusal("search", {"criterion": "stability", **few})
    assert followed.startswith("--keep_schedule is [3, 1]")
