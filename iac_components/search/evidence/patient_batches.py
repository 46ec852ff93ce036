"""Images of the architecture half by patient, on which the supernet's parts are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

__all__ = ["PatientBatch", "group_by_patient"]


@dataclass(frozen=True)
class PatientBatch:
    """Images of some patients, each of them whole.

    Attributes:
        images: (B, C, *S).
        labels: (B, 1, *S).
        rows: the rows of each patient.
    """

    images: Tensor
    labels: Tensor
    rows: Mapping[str, slice]


def group_by_patient(
    batches: Iterable[Mapping[str, object]], *, images_a_patient: int, batch_size: int
) -> list[PatientBatch]:
    """Go once through a loader and keep a few images of each patient.

    Args:
        batches: each with ``image`` (B, C, *S), ``label`` (B, 1, *S) and ``patient``, B names.
        images_a_patient: at most; of more, evenly spaced ones in the loader's order.
        batch_size: images in a batch, unless one patient has more.

    Raises:
        ValueError: if a number is not positive, or there is no image.
    """
    if images_a_patient < 1 or batch_size < 1:
        raise ValueError(
            "images_a_patient and batch_size must be at least 1, got "
            f"{images_a_patient} and {batch_size}."
        )
    found: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for batch in batches:
        images, labels = (torch.as_tensor(batch[key]) for key in ("image", "label"))
        for patient, *pair in zip(
            cast(Sequence[str], batch["patient"]), images, labels, strict=True
        ):
            found.setdefault(patient, []).append((pair[0], pair[1]))
    if not found:
        raise ValueError("the loader of the architecture half has no image to judge parts on.")
    chosen = {patient: _spaced(found[patient], images_a_patient) for patient in sorted(found)}
    return [_join(group) for group in _packed(chosen, batch_size)]


def _spaced(pairs: list[tuple[Tensor, Tensor]], count: int) -> list[tuple[Tensor, Tensor]]:
    rows = np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(int)
    return [pairs[row] for row in rows]


def _packed(
    chosen: Mapping[str, list[tuple[Tensor, Tensor]]], batch_size: int
) -> Iterator[dict[str, list[tuple[Tensor, Tensor]]]]:
    group: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for patient, pairs in chosen.items():
        if group and sum(map(len, group.values())) + len(pairs) > batch_size:
            yield group
            group = {}
        group[patient] = pairs
    yield group


def _join(group: Mapping[str, list[tuple[Tensor, Tensor]]]) -> PatientBatch:
    rows, start = {}, 0
    for patient, pairs in group.items():
        rows[patient] = slice(start, start + len(pairs))
        start += len(pairs)
    images, labels = zip(*(pair for pairs in group.values() for pair in pairs), strict=True)
    return PatientBatch(torch.stack(images), torch.stack(labels), rows)
