"""Raw records of searches and of the cells that they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from iac_components.common.files import read_json

__all__ = ["Found", "mean_dice", "read_found", "record_path", "require_making"]

Found = Mapping[str, object]


def record_path(raw: Path, *, dataset: str, shift: str, rule: str, seed: int) -> Path:
    """Return where the record of a search goes."""
    return raw / dataset / shift / rule / f"seed{seed}.json"


def read_found(raw: Path, *, dataset: str, shift: str) -> Iterator[Found]:
    """Yield the records of a task, rule by rule and seed by seed."""
    for path in sorted((raw / dataset / shift).rglob("*.json")):
        yield cast(Found, read_json(path, max_bytes=1 << 20))


def require_making(path: Path, making: Mapping[str, object]) -> None:
    """Check that a record was made as others are to be.

    Args:
        path: of the record.
        making: what must be equal, by key.

    Raises:
        ValueError: naming what differs.
    """
    content = read_json(path, max_bytes=1 << 20)
    found = content if isinstance(content, dict) else {}
    differing = [key for key, value in making.items() if found.get(key) != value]
    if differing:
        raise ValueError(
            f"'{path}' was made with other {', '.join(differing)}: use another --raw, or remove it."
        )


def mean_dice(record: Found) -> float:
    """Mean Dice over the test patients and the seeds of the training."""
    runs = cast(list[dict[str, dict[str, float]]], record["trained"])
    return float(np.mean([list(run["dice"].values()) for run in runs]))
