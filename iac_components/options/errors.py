"""The error about an option, and what an error of others comes down to."""

from __future__ import annotations

__all__ = ["OptionError", "reason_of"]


class OptionError(ValueError):
    """An option that is unknown, or whose value is not allowed."""


def reason_of(error: BaseException) -> str:
    """Return the first cause of an error in one line: MONAI wraps errors several deep."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".") + "."
