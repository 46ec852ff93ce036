"""The JSON layout of all bundles: four spaces, and on one line whatever is short."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

__all__ = ["WIDTH", "to_json"]

WIDTH = 120
"""Columns of a line."""

_STEP = 4
OWN_WORDS = ("_target_", "_requires_", "_disabled_", "_mode_")


def to_json(content: object) -> str:
    """Write JSON as a person would: one item a line at the top, below it lists and transforms.

    Keys keep their order, but those that are MONAI's (``_target_``) come first, in a line of their
    own. Whatever fits :data:`WIDTH` stands on one line; of the rest, short members share lines,
    but expressions in a list have one each.
    """
    return _block(content, 0, 0) + "\n"


def _flat(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _block(value: object, indent: int, used: int) -> str:
    """Write a value whose first line has ``used`` columns before it."""
    if not isinstance(value, dict | list) or not value:
        return _flat(value)
    if indent and used + len(_flat(value)) < WIDTH:
        return _flat(value)
    inner = indent + _STEP
    pad = " " * inner
    if isinstance(value, dict):
        items = _members(value, inner, fill=indent > 0)
    elif _is_plain(value) and not any(str(item).startswith("$") for item in value):
        items = _filled([_flat(item) for item in value], pad)
    else:
        items = [pad + _block(item, inner, inner) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return start + "\n" + ",\n".join(items) + "\n" + " " * indent + end


def _members(value: Mapping[str, object], indent: int, *, fill: bool) -> list[str]:
    """Write the members of an object; short ones that follow each other share lines."""
    pad = " " * indent
    own = [f"{_flat(key)}: {_flat(value[key])}" for key in OWN_WORDS if fill and key in value]
    lines = _filled(own, pad)
    short: list[str] = []
    for key, item in value.items():
        if fill and key in OWN_WORDS:
            continue
        head = f"{_flat(key)}: "
        if fill and _is_short(item, len(pad) + len(head)):
            short.append(head + _flat(item))
            continue
        lines += _filled(short, pad)
        short = []
        lines.append(pad + head + _block(item, indent, indent + len(head)))
    return lines + _filled(short, pad)


def _filled(words: Sequence[str], pad: str) -> list[str]:
    """Put words into lines of :data:`WIDTH`, a comma between two."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 3 <= WIDTH:
            lines[-1] += f", {word}"
        else:
            lines.append(pad + word)
    return lines


def _is_short(value: object, used: int) -> bool:
    fits = isinstance(value, list) and _is_plain(value) and used + len(_flat(value)) < WIDTH
    return fits or _is_plain([value])


def _is_plain(items: Sequence[object]) -> bool:
    return not any(isinstance(item, dict | list) for item in items)
