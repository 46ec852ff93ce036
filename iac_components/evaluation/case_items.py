"""Items of an evaluator's run: names, label maps, and what all processes have of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import ignite.distributed as idist
import torch
from ignite.engine import Engine

__all__ = ["case_name", "describe_case", "evaluated_items", "gather", "label_map"]

Key = TypeVar("Key", tuple[str, str], tuple[str, str, int])
Found = TypeVar("Found")


def evaluated_items(engine: Engine) -> Iterator[Mapping[str, object]]:
    """Yield the items of an evaluator's newest batch, with what the network made of them.

    Raises:
        TypeError: if the evaluator does not decollate.
    """
    outputs, batch = engine.state.output, engine.state.batch
    if not isinstance(outputs, list) or not isinstance(batch, list):
        raise TypeError("patients' scores need decollated items: set the evaluator's decollate")
    # MONAI keeps what the network did not produce, such as names, in the batch.
    for source, output in zip(batch, outputs, strict=True):
        yield {**source, **output}


def gather(found: Mapping[Key, Found]) -> list[Found]:
    """Return what all processes found, each key once, in the order of the keys.

    Every process must call it. A case that a distributed sampler repeated to even out its shares
    counts once.
    """
    parts = [found] if idist.get_world_size() == 1 else idist.all_gather(dict(found))
    merged = {key: item for part in reversed(parts) for key, item in part.items()}
    return [merged[key] for key in sorted(merged)]


def describe_case(patient: str, case: str) -> str:
    """Name a case in a message."""
    return f"patient '{patient}', case '{case}'"


def case_name(item: Mapping[str, object], key: str) -> str:
    """Return the string ``patient`` or ``case`` of an item.

    Raises:
        ValueError: if there is none.
    """
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(
            f"an evaluated item has no '{key}' (a string), only {sorted(item)}: the datalist must "
            "give each item 'patient' and 'case', and no transform may drop them."
        )
    return value


def label_map(item: Mapping[str, object], key: str) -> torch.Tensor:
    """Return the label map ``(1, *S)`` of an item.

    Raises:
        ValueError: if there is none.
    """
    value = item.get(key)
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"the item has no tensor '{key}', only {sorted(item)}.")
    if value.ndim < 2 or value.shape[0] != 1:
        raise ValueError(
            f"'{key}' has shape {tuple(value.shape)} but must be a label map (1, *S): "
            "use AsDiscreted(argmax=True) in the postprocessing."
        )
    return value
