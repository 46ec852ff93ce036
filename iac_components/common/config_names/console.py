"""The command line, for configs."""

from __future__ import annotations

from iac_components.common.console.brief_errors import (
    brief_message,
    flag,
    is_monai_command,
    optional,
    report_errors_briefly,
)

__all__ = ["brief_message", "flag", "is_monai_command", "optional", "report_errors_briefly"]
