"""A loader whose order depends on the seed and the epoch alone, on one process or several."""

from __future__ import annotations

from collections.abc import Sized

import ignite.distributed as idist
import torch
from monai.data.samplers import DistributedSampler as UnevenSampler
from monai.data.utils import list_data_collate
from torch.utils.data import DataLoader, Dataset, DistributedSampler

__all__ = ["epoch_loader", "share_of_cases"]


def epoch_loader(
    dataset: Dataset[dict[str, object]],
    *,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    num_workers: int = 0,
    drop_last: bool = True,
) -> DataLoader[dict[str, object]]:
    """Load batches in an order set by ``loader.sampler.set_epoch(epoch)``.

    The sampler is a DistributedSampler even on one process: its order is a function of seed and
    epoch, which a resumed run can ask for again. No draw is taken from torch's global generator.
    If the dataset has a ``set_epoch``, call it too.

    On several processes each gets an equal share, so that all make as many steps: shares have no
    item in common, unless the items do not divide evenly, when the last share is filled up with
    the first items of the order.

    Args:
        dataset: its length is asked for here, so a SliceDataset reads its volumes now.
        batch_size: items in a batch.
        seed: seed of the order.
        shuffle: whether every epoch has an order of its own.
        num_workers: worker processes; they start with each epoch, so they see its number.
        drop_last: leave out a last batch that is not full, unless it is the only one.

    Raises:
        ValueError: if the dataset has no item, or ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    sampler: DistributedSampler[dict[str, object]] = DistributedSampler(
        dataset,
        num_replicas=idist.get_world_size(),
        rank=idist.get_rank(),
        shuffle=shuffle,
        seed=seed,
    )
    if len(sampler) == 0:
        raise ValueError(
            "the dataset has no item to load. Check its datalist and, for slices, empty_fraction."
        )
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        collate_fn=list_data_collate,
        drop_last=drop_last and len(sampler) >= batch_size,
        generator=torch.Generator().manual_seed(seed),
    )


def share_of_cases(dataset: Sized) -> UnevenSampler:
    """Sample the cases that are this process's to validate, each case in one process's share.

    Raises:
        ValueError: if there are fewer cases than processes.
    """
    count = idist.get_world_size()
    if len(dataset) < count:
        raise ValueError(
            f"{count} processes cannot share {len(dataset)} case(s) of validation or test. "
            f"Start {len(dataset)} at most, or use more cases."
        )
    return UnevenSampler(dataset, even_divisible=False, shuffle=False)
