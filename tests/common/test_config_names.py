"""Whatever a config of any version imports is found where that config looks for it."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

import iac_components

NAMES = [
    "bundle_code:evaluate_again",
    "console:flag",
    "console:optional",
    "console:report_errors_briefly",
    "files:require_writable_directory",
    "paths:take_paths_as_typed",
    "ranks:is_first_rank",
    "ranks:join_ranks",
    "ranks:leave_ranks",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_configs_name_is_there(name):
    assert callable(resolve_name(f"iac_components.{name}"))


def test_the_copy_at_hand_is_the_one_found():
    module = resolve_name("iac_components.console")
    assert module.__file__.startswith(iac_components.__path__[0])
