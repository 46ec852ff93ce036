"""Fields of the benchmarks' raw files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

__all__ = ["POINTS", "Json", "at", "number", "records"]

Json = Mapping[str, object]

POINTS = 100
"""Dice points in a Dice of 1."""


def at(record: object, *path: str) -> Json:
    """The object below a path of keys."""
    for key in path:
        record = cast(Json, record)[key]
    return cast(Json, record)


def number(record: object, *path: str) -> float:
    """The number below a path of keys."""
    return float(cast(float, at(record, *path)))


def records(record: Json, key: str) -> Sequence[Json]:
    """The list of objects below a key, empty where it was not measured."""
    return cast(Sequence[Json], record.get(key, ()))
