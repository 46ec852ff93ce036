"""Switches and values that may be left out, as they are typed."""

from __future__ import annotations

import pytest

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.console.typed_values import parse_bool, parse_optional


class TestBool:
    @pytest.mark.parametrize("value", [True, "true", "True", "TRUE"])
    def test_on(self, value):
        assert parse_bool(value, "resume") is True

    @pytest.mark.parametrize("value", [False, "false", "False"])
    def test_off(self, value):
        assert parse_bool(value, "resume") is False

    @pytest.mark.parametrize("value", ["", "yes", "0", 1, None])
    def test_neither(self, value):
        with pytest.raises(ValueError, match=r"^resume is .*--resume False") as caught:
            parse_bool(value, "resume")
        assert str(brief_message(caught.value)).startswith("ValueError: resume is ")


class TestOptional:
    @pytest.mark.parametrize("value", ["null", "None", "NONE", None])
    def test_left_out(self, value):
        assert parse_optional(value) is None

    @pytest.mark.parametrize("value", ["nullable.pt", "", 0, 30, "a/none"])
    def test_given(self, value):
        assert parse_optional(value) == value
