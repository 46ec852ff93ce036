"""Images and labels that the user provides ready for the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from monai.inferers import SimpleInferer
from torch.utils.data import DataLoader, Dataset

from iac_components.bundling.options import OptionError
from iac_components.data import epoch_loader
from iac_components.engine import CaseList
from iac_components.interface.api.inputs.batches import Batches, Item, Scoring
from iac_components.interface.api.inputs.transforms import class_maps

__all__ = ["ItemBatches", "LoaderBatches"]

_UNKNOWN = "sha256:unknown"
"""Digest of cases that have no names."""


class ItemBatches(Batches):
    """Items of a dataset or list, each an image as the network sees it."""

    def __init__(self, name: str, items: Dataset[Item] | Sequence[Item]) -> None:
        self.name, self.items = name, items
        count = len(items)  # type: ignore[arg-type]
        if count == 0:
            raise OptionError(f"{name} has no item.")
        self.shape = self.window = _shape(items[0], name, axes=1)
        self.cases = CaseList(count, _UNKNOWN)

    def loader(self, *, batch_size: int | None, seed: int, num_workers: int) -> DataLoader[Item]:
        """See :meth:`Batches.loader`."""
        items = cast("Dataset[dict[str, object]]", self.items)
        return epoch_loader(items, batch_size=batch_size or 1, seed=seed, num_workers=num_workers)

    def judged(self, *, seed: int) -> object:
        """See :meth:`Batches.judged`."""
        return self.items

    def scoring(self, *, num_workers: int) -> Scoring:
        """See :meth:`Batches.scoring`."""
        items = cast("Dataset[Item]", self.items)
        loader = DataLoader(items, batch_size=1, shuffle=False, num_workers=num_workers)
        return Scoring(loader, SimpleInferer(), class_maps())


class LoaderBatches(Batches):
    """The user's own loader, with the batch size that it has."""

    def __init__(self, name: str, loader: DataLoader[Item]) -> None:
        self.name, self.given = name, loader
        batch = next(iter(loader), None)
        if batch is None:
            raise OptionError(f"{name} gives no batch.")
        self.shape = self.window = _shape(batch, name, axes=2)
        self.batch_size = len(cast(torch.Tensor, batch["image"]))
        try:
            self.cases = CaseList(len(cast("Sequence[Item]", loader.dataset)), _UNKNOWN)
        except TypeError:
            raise OptionError(f"{name} has no length: its dataset must have one.") from None

    def loader(self, *, batch_size: int | None, seed: int, num_workers: int) -> DataLoader[Item]:
        """Return the user's own loader."""
        return self.given

    def judged(self, *, seed: int) -> object:
        """See :meth:`Batches.judged`."""
        return self.given

    def scoring(self, *, num_workers: int) -> Scoring:
        """See :meth:`Batches.scoring`."""
        return Scoring(self.given, SimpleInferer(), class_maps())


def _shape(item: object, name: str, *, axes: int) -> tuple[int, ...]:
    """Return (C, *S) of an item's or batch's image, and check it with its label.

    Args:
        item: what a source gave.
        name: of the argument.
        axes: 1 for an item, whose first axis is C, 2 for a batch.
    """
    form = {1: "(C, *S) and (1, *S)", 2: "(B, C, *S) and (B, 1, *S)"}[axes]
    found = [item.get(key) if isinstance(item, Mapping) else None for key in ("image", "label")]
    if not all(isinstance(value, torch.Tensor) for value in found):
        kinds = sorted(item) if isinstance(item, Mapping) else type(item).__name__
        files = " For files use iac.load_dataset." if isinstance(found[0], str) else ""
        raise OptionError(
            f"{name} gives {kinds}: it must give tensors 'image' and 'label' of shapes "
            f"{form}.{files}"
        )
    image, label = (tuple(cast(torch.Tensor, value).shape) for value in found)
    right = len(image) in (axes + 2, axes + 3) and label == (*image[: axes - 1], 1, *image[axes:])
    if not right:
        raise OptionError(f"{name} gives shapes {image} and {label}, expected {form}.")
    return image[axes - 1 :]
