"""Base of the datasets of slices and patches: volumes read once, items drawn by seed and epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import ignite.distributed as idist
import numpy as np
import torch
from monai.data import Dataset
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose
from monai.transforms.traits import RandomizableTrait
from numpy.typing import NDArray

from iac_components.common.available_memory import require_memory
from iac_components.common.progress_bars import progress_over
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.datasets.reading import damaged_file_named

__all__ = ["SeededDataset", "Transform", "plain_tensor", "take_one", "without_metadata"]

Transform = Callable[..., object] | Sequence[Callable[..., object]] | None
"""A dictionary transform, several in turn, or none."""

T = TypeVar("T")


class SeededDataset(Dataset):
    """A dataset whose item is a function of ``(seed, epoch, index)`` alone.

    The random transforms are seeded from these before each item, so neither the number of workers
    nor the order matters. The seeded state belongs to the transforms, so use worker processes, not
    threads. ``data`` stays the datalist of volumes, which MONAI Label replaces.

    Args:
        data: datalist entries.
        transform: deterministic dictionary transforms that make each volume channel-first,
            (C, X, Y, Z); run once a volume.
        item_transform: dictionary transforms, usually random; run for each item.
        item_name: what the caller's own argument for ``item_transform`` is called, for messages.
        keys: names of the image and the label in ``data`` and in items.
        seed: seed of the items.

    Raises:
        ValueError: if ``seed`` is negative or ``transform`` is random.
    """

    def __init__(
        self,
        data: Sequence[DatalistEntry],
        transform: Transform,
        *,
        item_transform: Transform,
        item_name: str,
        keys: tuple[str, str],
        seed: int,
    ) -> None:
        super().__init__(data, transform)
        if seed < 0:
            raise ValueError(f"seed must not be negative, but is {seed}.")
        for step in self.transform.flatten().transforms:
            if isinstance(step, RandomizableTrait):
                raise ValueError(
                    f"transform holds {type(step).__name__}, which is random, but runs once a "
                    f"volume. Move it to {item_name}."
                )
        # Compose hands its seed on to every random transform within.
        self._item_transform: Compose = (
            item_transform if type(item_transform) is Compose else Compose(item_transform)
        )
        self.keys = keys
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose random draws the items show.

        Call it before the loader is iterated: workers get their copy at that moment.
        """
        self.epoch = epoch

    @property
    @abstractmethod
    def patients(self) -> list[str]:
        """Patient of each item, without reading the items."""

    def _seed_item(self, index: int, *, epoch: int | None = None) -> None:
        """Seed the random transforms for item ``index`` of an epoch, by default the current one."""
        entropy = (self.seed, self.epoch if epoch is None else epoch, index)
        seed = np.random.SeedSequence(entropy).generate_state(1)[0]
        self._item_transform.set_random_state(seed=int(seed))

    def _names(self, number: int) -> tuple[str, str]:
        """Return patient and case of volume ``number``; by default its file, or its number."""
        entry = self.data[number]
        files = entry_files(entry, self.keys[0])
        case = _text(entry, "case", files[0] if files else f"number {number}")
        return _text(entry, "patient", case), case

    def _read_volume(self, number: int) -> Mapping[str, torch.Tensor]:
        """Transform volume ``number``: what the transform gives, with the two keys in float32.

        Raises:
            ValueError: unless they are (C, X, Y, Z) and (1, X, Y, Z).
            DatasetError: if a file cannot be read (any more).
        """
        with damaged_file_named(self.data[number], self.keys):
            volume = self.transform(dict(self.data[number]))
        image, label = (plain_tensor(volume[key]) for key in self.keys)
        if image.ndim != 4 or label.shape != (1, *image.shape[1:]):
            raise ValueError(
                f"case '{self._names(number)[1]}': transform gives an image of shape "
                f"{tuple(image.shape)} and a label of shape {tuple(label.shape)}; expected "
                "(C, X, Y, Z) and (1, X, Y, Z). Add EnsureChannelFirstd to transform, or correct "
                "the label."
            )
        return {**volume, **dict(zip(self.keys, (image, label), strict=True))}

    def _load_all(self, load: Callable[[int], tuple[T, int]], *, activity: str) -> list[T]:
        """Load all volumes, or stop as soon as it shows that memory will not do.

        Args:
            load: gives volume ``number``, and the bytes of memory that it holds.
            activity: what the progress bar says.
        """
        total = len(self.data)
        # Ranks that fill a cache begin apart, and find each other's volumes when they meet.
        first = idist.get_rank() * total // idist.get_world_size()
        found: dict[int, T] = {}
        held = 0
        order = [*range(first, total), *range(first)]
        for number in progress_over(order, desc=activity, disable=total < 2):
            found[number], size = load(number)
            held += size
            require_memory(held / len(found) * (total - len(found)))
        return [found[number] for number in range(total)]


def plain_tensor(value: torch.Tensor, *, copy: bool = False) -> torch.Tensor:
    """Return a float32 tensor without metadata, which would be slow to index and to collate."""
    return without_metadata(value).to(torch.float32, copy=copy)


def take_one(result: object, *, name: str) -> dict[str, torch.Tensor]:
    """Return a transform's one dictionary, which MONAI's crops wrap into a list.

    Args:
        result: of the transform.
        name: what the transform is called in the message.

    Raises:
        ValueError: if there are several dictionaries, or none.
    """
    items = result if isinstance(result, list) else [result]
    if len(items) != 1 or not isinstance(items[0], dict):
        raise ValueError(
            f"{name} must give one dictionary for an item, not {len(items)} of "
            f"{type(items[0]).__name__ if items else 'nothing'}. Set num_samples to 1."
        )
    item: dict[str, torch.Tensor] = items[0]
    return item


def without_metadata(value: torch.Tensor | NDArray[np.generic]) -> torch.Tensor:
    """Return a plain tensor of the same voxels and type."""
    return value.as_tensor() if isinstance(value, MetaTensor) else torch.as_tensor(value)


def _text(entry: DatalistEntry, key: str, default: str) -> str:
    """Return an entry's text, or the default if it has none."""
    value = entry.get(key, default)
    return value if isinstance(value, str) else default
