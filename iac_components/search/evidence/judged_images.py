"""Images for an audit's judgements: a few of each patient, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np
import torch

from iac_components.search.evidence.patient_losses import PatientBatch, group_by_patient

__all__ = ["JudgedItems", "judged_images"]

Item = Mapping[str, object]


class JudgedItems(Protocol):
    """A dataset or list of items with ``image`` (C, *S), ``label`` (1, *S) and ``patient``."""

    def __len__(self) -> int:
        """Return the number of items."""
        ...

    def __getitem__(self, index: int) -> Item:
        """Return an item."""
        ...


def judged_images(
    items: JudgedItems | Iterable[Item], *, images_a_patient: int, batch_size: int
) -> list[PatientBatch]:
    """Choose a few images of each patient, evenly spaced, and group them.

    Of a dataset that draws its items by epoch, they are those of epoch 0, whatever the run is at;
    of one that knows its patients, only what is chosen is read.

    Args:
        items: a dataset, a list of items, or a loader of batches.
        images_a_patient: at most.
        batch_size: images that are judged at once.

    Raises:
        ValueError: if an item names no patient, or there is none.
    """
    batches = _of_items(items, images_a_patient) if _is_indexed(items) else iter(items)
    return group_by_patient(
        map(_with_patient, batches), images_a_patient=images_a_patient, batch_size=batch_size
    )


def _is_indexed(items: object) -> bool:
    return hasattr(items, "__getitem__") and hasattr(items, "__len__")


def _of_items(items: object, count: int) -> Iterator[Item]:
    dataset = cast(JudgedItems, items)
    epoch = getattr(dataset, "epoch", None)
    set_epoch = getattr(dataset, "set_epoch", None)
    if epoch is not None and set_epoch is not None:
        set_epoch(0)
    try:
        for index in _chosen(dataset, count):
            item = dataset[index]
            pair = {key: torch.as_tensor(item[key]).unsqueeze(0) for key in ("image", "label")}
            yield {**item, **pair}
    finally:
        if epoch is not None and set_epoch is not None:
            set_epoch(epoch)


def _chosen(dataset: JudgedItems, count: int) -> Sequence[int]:
    patients: Sequence[str] | None = getattr(dataset, "patients", None)
    if patients is None:
        return range(len(dataset))
    names = np.asarray(patients)
    found: list[int] = []
    for patient in dict.fromkeys(patients):
        rows = np.flatnonzero(names == patient)
        spaced = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
        found += rows[spaced].tolist()
    return found


def _with_patient(batch: Item) -> Item:
    if "patient" not in batch:
        raise ValueError(
            "parts are judged by patient, but the items of the architecture half have no "
            f"'patient', only {', '.join(map(repr, batch))}: add it to every item."
        )
    patients = batch["patient"]
    if isinstance(patients, torch.Tensor):
        patients = patients.tolist()
    names = patients if isinstance(patients, list | tuple) else [patients]
    return {**batch, "patient": [str(name) for name in names]}
