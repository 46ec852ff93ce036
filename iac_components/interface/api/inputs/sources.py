"""Kinds of sources of images and labels: parts of data sets, loaders, datasets, lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from torch.utils.data import DataLoader, Dataset

from iac_components.bundling.options import OptionError
from iac_components.interface.api.inputs.batches import Batches, Item
from iac_components.interface.api.inputs.given_batches import ItemBatches, LoaderBatches
from iac_components.interface.api.inputs.part_batches import PartBatches
from iac_components.interface.api.inputs.parts import Part

__all__ = ["Source", "read_source"]

Source: TypeAlias = Part | DataLoader[Item] | Dataset[Item] | Sequence[Item]
"""A part of a data set, or anything that gives ``image`` (C, *S) and ``label`` (1, *S)."""


def read_source(
    source: Source,
    name: str,
    *,
    batch_size: int | None = None,
    default: int | None = None,
    num_workers: int = 0,
) -> tuple[Batches, int | None]:
    """Convert a source to the common interface, and settle its batch size.

    Args:
        source: a :class:`Part`, a ``DataLoader``, or a ``Dataset`` or list of items.
        name: of the argument, for messages.
        batch_size: asked for; None takes the default, or the loader's own.
        default: of the batch size.
        num_workers: asked for.

    Raises:
        OptionError: if it is none of these, gives no ``image`` and ``label`` of fitting shapes, or
            is a ``DataLoader``, which has its batch size and workers, and another is asked for.
    """
    if isinstance(source, Part):
        return PartBatches(name, source), batch_size or default
    if isinstance(source, DataLoader):
        if batch_size is not None or num_workers:
            raise OptionError(
                f"{name} is a DataLoader, which has its own batch_size and num_workers: leave "
                "both out, or pass its dataset."
            )
        batches = LoaderBatches(name, source)
        return batches, batches.batch_size
    indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if indexed and not isinstance(source, str | bytes | Mapping):
        return ItemBatches(name, source), batch_size or default
    raise OptionError(
        f"{name} is a {type(source).__name__}: pass a part of iac.load_dataset, a DataLoader, or a "
        "Dataset or list of items with 'image' (C, *S) and 'label' (1, *S)."
    )
