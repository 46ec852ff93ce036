"""Fields of the benchmarks' raw files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

__all__ = ["POINTS", "Json", "against_full", "at", "number", "our_steps", "ratios", "records"]

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
    """Return the list of objects below a key, empty where it was not measured."""
    return cast(Sequence[Json], record.get(key, ()))


def ratios(search: Json, of: str, to: str) -> list[Json]:
    """Return a search benchmark's record of two modes' cost ratio: one object, or none."""
    return [found for found in records(search, "ratios") if (found["of"], found["to"]) == (of, to)]


def against_full(search: Json) -> list[Json]:
    """Its comparison of the pruned search's cell with the full one's: one object, or none."""
    return [found for found in records(search, "comparisons") if found["against"] == "full"]


def our_steps(step: Json) -> Iterator[tuple[Json, Json]]:
    """Each setting of a step benchmark, with our own step among its cases."""
    for setting in records(step, "settings"):
        for case in records(setting, "cases"):
            if case["case"] == "ours":
                yield setting, case
