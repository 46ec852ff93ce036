"""Objects are built before data are read: what fails is named in one line."""

from __future__ import annotations

from copy import deepcopy

import pytest
from monai.bundle import ConfigParser

from iac_components.bundling.options import build_components
from iac_components.common.console.brief_errors import brief_message

CONFIG = {
    "imports": ["$from iac_components.bundling.options import build_components"],
    "weight": "$torch.nn.Parameter(torch.zeros(1))",
    "optimizer": {"_target_": "torch.optim.AdamW", "params": "$[@weight]", "weight_decay": 0.1},
    "criterion": {"_target_": "iac_components.search.JensenShannonStability", "window": 2},
    "first": "$build_components('optimizer', 'criterion', 'nothing')",
}


def test_each_is_built_once():
    parser = ConfigParser(deepcopy(CONFIG))
    parser.get_parsed_content("first")
    built = parser.ref_resolver.resolved_content["optimizer"]
    assert parser.get_parsed_content("optimizer") is built
    assert "criterion" in parser.ref_resolver.resolved_content


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (
            "optimizer::weight_decay",
            -1,
            "OptionError: optimizer cannot be built: ValueError: Invalid weight_decay value: -1. "
            "Check --optimizer and --optimizer#...",
        ),
        ("criterion::window", 0, "ValueError: window must be at least 1, got 0."),
    ],
)
def test_what_fails_is_named(where, value, message):
    parser = ConfigParser(deepcopy(CONFIG))
    parser[where] = value
    with pytest.raises(RuntimeError) as caught:
        parser.get_parsed_content("first")
    assert brief_message(caught.value) == message


def test_outside_a_config_it_says_so():
    with pytest.raises(RuntimeError, match="called by a bundle's config"):
        build_components("loss")
