"""Seeding by (seed, epoch) alone, which makes a resumed run bit-identical."""

from __future__ import annotations

from collections.abc import Sequence

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch.utils.data import DataLoader

__all__ = ["EpochSeeding"]

_EPOCHS, _RANKS = 100_003, 1_000_000_007
"""Primes: no two of the seeds, epochs and ranks that occur draw alike."""


class EpochSeeding:
    """Seed an epoch's data order, augmentation and dropout by (seed, epoch) when it starts.

    No generator's state has to be saved: an epoch that is run again, after a crash or on another
    day, draws what it drew. Ranks draw differently (dropout), but share the data's order, of which
    each has its part. Samplers and datasets take part by a ``set_epoch(epoch)`` method.

    Args:
        loaders: every loader that feeds the engine, its own among them.
        seed: of the run.
    """

    def __init__(self, loaders: Sequence[DataLoader[object]], seed: int = 0) -> None:
        self.loaders = tuple(loaders)
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Listen to the start of the engine's epochs."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed the epoch that starts."""
        epoch = engine.state.epoch
        torch.manual_seed(self.seed * _EPOCHS + epoch + idist.get_rank() * _RANKS)
        for loader in self.loaders:
            for part in (loader.dataset, loader.sampler):
                set_epoch = getattr(part, "set_epoch", None)
                if set_epoch is not None:
                    set_epoch(epoch)
        # A fresh iterator: after an epoch shorter than the loader, Ignite continues the old.
        engine.set_data(engine.state.dataloader)
