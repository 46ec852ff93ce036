"""Errors in one line and values as typed, for configs; those of version 0.4 say flag, optional."""

from __future__ import annotations

from iac_components.common.console.brief_errors import report_errors_briefly
from iac_components.common.console.typed_values import parse_bool, parse_optional

__all__ = ["flag", "optional", "parse_bool", "parse_optional", "report_errors_briefly"]

flag = parse_bool
optional = parse_optional
