"""Fields of the benchmarks' raw files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

__all__ = ["POINTS", "Json", "at", "number", "our_steps", "records", "shape_of"]

Json = Mapping[str, object]

POINTS = 100
"""Dice points in a Dice of 1."""


def at(record: object, *path: str) -> Json:
    """Return the object below a path of keys."""
    for key in path:
        record = cast(Json, record)[key]
    return cast(Json, record)


def number(record: object, *path: str) -> float:
    """Return the number below a path of keys."""
    return float(cast(float, at(record, *path)))


def records(record: Json, key: str) -> Sequence[Json]:
    """Return the list of objects below a key."""
    return cast(Sequence[Json], record[key])


def shape_of(record: Json) -> str:
    """Return an input's shape as it stands in tables, such as 8x1x48x64."""
    return "x".join(str(size) for size in cast(Sequence[int], record["input_shape"]))


def our_steps(step: Json) -> Iterator[tuple[Json, Json]]:
    """Each setting of a step benchmark, with our own step among its cases."""
    for setting in records(step, "settings"):
        for case in records(setting, "cases"):
            if case["case"] == "ours":
                yield setting, case
