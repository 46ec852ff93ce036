"""The error about an option, and what an error of others comes down to."""

from __future__ import annotations

from iac_components.common.causes import first_cause, one_line

__all__ = ["OptionError", "reason_of"]


class OptionError(ValueError):
    """An option that is unknown, or whose value is not allowed."""


def reason_of(error: BaseException) -> str:
    """Return the first cause of an error in one line: MONAI wraps errors several deep."""
    return one_line(first_cause(error))
