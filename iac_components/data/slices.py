"""Slices of volumes in memory, for 2-D networks: volumes are read once, slices drawn each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.data import Dataset
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose
from monai.transforms.traits import RandomizableTrait
from tqdm import tqdm

__all__ = ["SliceDataset"]

Item = dict[str, torch.Tensor | str | int]


@dataclass(frozen=True)
class _Slice:
    """One slice: (C, H, W) image, (1, H, W) label, and where it comes from."""

    image: torch.Tensor
    label: torch.Tensor
    patient: str
    case: str
    index: int


class SliceDataset(Dataset):
    """All slices of a datalist's volumes, held in memory as plain float32 tensors.

    Volumes are read and sliced at the first use of the length or an item, so that building it
    (as ``check_properties`` and MONAI Label do) costs nothing. ``data`` stays the datalist of
    volumes, which MONAI Label replaces.

    An item is a function of ``(seed, epoch, index)`` alone: the random transforms are seeded
    from these before each item, so neither the number of workers nor the order matters. The
    seeded state belongs to the transforms, so use worker processes, not threads.

    An item is ``{"image": (C, H, W), "label": (1, H, W), "patient", "case", "slice"}``, under
    the names in ``keys``; H and W may differ between cases unless a transform makes them equal.

    Args:
        data: datalist entries with the two keys and, if known, ``patient`` and ``case``.
        transform: deterministic dictionary transforms that make each volume channel-first,
            (C, X, Y, Z); run once a volume.
        slice_transform: dictionary transforms for a slice, usually random; run for each item.
        slice_axis: the spatial axis along which volumes are sliced, 0 to 2 or -1 to -3.
        keys: names of the image and the label in ``data`` and in items.
        seed: seed of the items and of the choice of empty slices.
        empty_fraction: share of the slices without foreground that is kept, 0 to 1.

    Raises:
        ValueError: if an argument is out of range, or ``transform`` is random; at first use, if
            a transformed volume is not (C, X, Y, Z) with a one-channel label of its size.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, str]],
        transform: Callable[..., object] | Sequence[Callable[..., object]] | None,
        *,
        slice_transform: Callable[..., object] | Sequence[Callable[..., object]] | None = None,
        slice_axis: int = -1,
        keys: tuple[str, str] = ("image", "label"),
        seed: int = 0,
        empty_fraction: float = 1.0,
    ) -> None:
        super().__init__(data, transform)
        if not -3 <= slice_axis <= 2:
            raise ValueError(f"slice_axis must be -3 to 2, not {slice_axis}.")
        if not 0 <= empty_fraction <= 1:
            raise ValueError(f"empty_fraction must be 0 to 1, not {empty_fraction}.")
        if seed < 0:
            raise ValueError(f"seed must not be negative, but is {seed}.")
        for step in self.transform.flatten().transforms:
            if isinstance(step, RandomizableTrait):
                raise ValueError(
                    f"transform holds {type(step).__name__}, which is random, but runs once a "
                    "volume. Move it to slice_transform."
                )
        # Compose hands its seed on to every random transform within.
        self.slice_transform = (
            slice_transform if isinstance(slice_transform, Compose) else Compose(slice_transform)
        )
        self.slice_axis = slice_axis % 3
        self.keys = keys
        self.seed = seed
        self.empty_fraction = empty_fraction
        self.epoch = 0
        self._slices: list[_Slice] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose random draws the items show.

        Call it before the loader is iterated: workers get their copy at that moment.
        """
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of slices kept."""
        return len(self._load())

    def _transform(self, index: int) -> Item:
        """Return item ``index`` as seen in the current epoch."""
        slices = self._load()
        position = range(len(slices))[index]
        chosen = slices[position]
        image_key, label_key = self.keys
        seed = np.random.SeedSequence((self.seed, self.epoch, position)).generate_state(1)[0]
        self.slice_transform.set_random_state(seed=int(seed))
        # Cloned, since a transform in place would change the slice for all epochs to come.
        pair = self.slice_transform(
            {image_key: chosen.image.clone(), label_key: chosen.label.clone()}
        )
        return {
            image_key: _plain(pair[image_key]),
            label_key: _plain(pair[label_key]),
            "patient": chosen.patient,
            "case": chosen.case,
            "slice": chosen.index,
        }

    def _load(self) -> list[_Slice]:
        """Read and slice all volumes, once."""
        if self._slices is None:
            slices: list[_Slice] = []
            quiet = None if len(self.data) > 1 else True
            for number, entry in enumerate(
                tqdm(self.data, desc="Slicing volumes", unit="case", disable=quiet)
            ):
                slices += self._slice_volume(number, entry)
            self._slices = slices
        return self._slices

    def _slice_volume(self, number: int, entry: Mapping[str, str]) -> list[_Slice]:
        """Transform volume ``number`` and return the slices to keep."""
        volume = self.transform(dict(entry))
        image, label = (_plain(volume[key]) for key in self.keys)
        case = entry.get("case", str(entry[self.keys[0]]))
        if image.ndim != 4 or label.shape != (1, *image.shape[1:]):
            raise ValueError(
                f"case '{case}': transform gives an image of shape {tuple(image.shape)} and a "
                f"label of shape {tuple(label.shape)}; expected (C, X, Y, Z) and (1, X, Y, Z). "
                "Add EnsureChannelFirstd to transform, or correct the label."
            )
        images, labels = (volume.movedim(self.slice_axis + 1, 0) for volume in (image, label))
        filled = (labels > 0).flatten(1).any(dim=1)
        draws = np.random.default_rng((self.seed, number)).random(len(images))
        keep = filled | torch.from_numpy(draws < self.empty_fraction)
        # Indexing copies, so that slices left out are freed with their volume.
        return [
            _Slice(image, label, entry.get("patient", case), case, int(index))
            for image, label, index in zip(
                images[keep].contiguous().unbind(),
                labels[keep].contiguous().unbind(),
                keep.nonzero().flatten(),
                strict=True,
            )
        ]


def _plain(value: torch.Tensor) -> torch.Tensor:
    """Return a float32 tensor without metadata, which would be slow to index and to collate."""
    tensor = value.as_tensor() if isinstance(value, MetaTensor) else torch.as_tensor(value)
    return tensor.to(torch.float32)
