"""Values as they come from a config or from the command line, where some arrive as text."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["parse_bool", "parse_optional"]

_WORDS = {"true": True, "false": False}

T = TypeVar("T")


def parse_bool(value: bool | str, name: str) -> bool:
    """Read a switch as it comes from a config or from the command line.

    MONAI's command takes ``--pruning False`` for a value and ``--pruning false`` for text, and any
    text counts as true in Python.

    Args:
        value: a boolean, or ``true`` or ``false`` in any case.
        name: the option, for the message.

    Raises:
        ValueError: if it is neither; the message names the option.
    """
    chosen = value if isinstance(value, bool) else _WORDS.get(str(value).lower())
    if chosen is None:
        raise ValueError(f"{name} is {value!r}. Pass --{name} True or --{name} False.")
    return chosen


def parse_optional(value: T | str | None) -> T | str | None:
    """Read an optional value: ``null`` typed on the command line arrives as text."""
    return None if isinstance(value, str) and value.lower() in ("null", "none") else value
