"""Clock of a search: time of data, weight step, architecture step, and the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from torch.utils.data import DataLoader

from iac_components.search.bilevel.bilevel_trainer import BilevelTrainer

__all__ = ["PARTS", "Seconds", "StepClock", "now", "since"]

PARTS = ("data", "weight_step", "architecture_step", "other")

Batch = dict[str, torch.Tensor]


class Seconds(NamedTuple):
    """Time spent: ``wall`` by ``perf_counter``, ``cpu`` of all threads by ``process_time``."""

    wall: float
    cpu: float


def now(device: torch.device | None = None) -> Seconds:
    """Both clocks, once a CUDA device has done what it was given."""
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    return Seconds(time.perf_counter(), time.process_time())


def since(start: Seconds, device: torch.device | None = None) -> Seconds:
    """Seconds from ``start`` to now."""
    end = now(device)
    return Seconds(end.wall - start.wall, end.cpu - start.cpu)


class StepClock:
    """Accumulates the wall and CPU seconds of named parts; what has no name is ``other``.

    Time is credited to one part at once: a part within a part interrupts the outer one. So the
    parts add up to the time since the last :meth:`start` or :meth:`take`.

    Args:
        device: where the work is done. A CUDA device is waited for whenever a part begins or ends,
            since its kernels run on after the call that started them; parts are then exact, and
            what would have overlapped does not.
    """

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self._current = "other"
        self._spent: dict[str, Seconds] = {}
        self._mark = Seconds(0.0, 0.0)
        self.start()

    def start(self) -> None:
        """Forget what was measured, and begin with ``other``."""
        self._spent = {name: Seconds(0.0, 0.0) for name in PARTS}
        self._current = "other"
        self._mark = now(self.device)

    @property
    def elapsed(self) -> float:
        """Wall seconds since the last :meth:`start` or :meth:`take`."""
        self.switch(self._current)
        return sum(spent.wall for spent in self._spent.values())

    def take(self) -> dict[str, dict[str, float]]:
        """Return ``{part: {"wall": seconds, "cpu": seconds}}`` and restart within this part."""
        self.switch(self._current)
        result = {name: spent._asdict() for name, spent in self._spent.items()}
        self._spent = {name: Seconds(0.0, 0.0) for name in PARTS}
        return result

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Credit the block to ``name``, except what is another part within it.

        Raises:
            ValueError: if there is no such part.
        """
        outer = self._current
        self.switch(name)
        try:
            yield
        finally:
            self.switch(outer)

    def switch(self, name: str) -> None:
        """Credit all time from now on to ``name``.

        Raises:
            ValueError: if there is no such part.
        """
        if name not in PARTS:
            raise ValueError(f"there is no part '{name}'. Known: {', '.join(PARTS)}.")
        end = now(self.device)
        spent = self._spent[self._current]
        self._spent[self._current] = Seconds(
            spent.wall + end.wall - self._mark.wall, spent.cpu + end.cpu - self._mark.cpu
        )
        self._current, self._mark = name, end

    def attach(self, engine: BilevelTrainer) -> None:
        """Listen to a search trainer, from the start of its run.

        Parts begin and end when this clock's handlers are called, so make it the first of the
        trainer's ``train_handlers``: what handlers ahead of it do after a step would count as
        architecture step. What handlers do as an epoch starts counts as ``data``, since the
        loader's iterator is made there, and so do the batches of the architecture steps. In the
        warm-up the architecture step is what the trainer needs to find that there is none.
        """
        # The trainer asks no more of it than to be iterated and its length, which is checked.
        timed = TimedLoader(engine.architecture_data_loader, self)
        engine.architecture_data_loader = cast("DataLoader[Batch]", timed)
        engine.add_event_handler(Events.STARTED, self._on_start)
        for event, part in (
            (Events.EPOCH_STARTED, "data"),
            (Events.GET_BATCH_STARTED, "data"),
            (Events.GET_BATCH_COMPLETED, "other"),
            (Events.ITERATION_STARTED, "weight_step"),
            (IterationEvents.MODEL_COMPLETED, "architecture_step"),
            (Events.ITERATION_COMPLETED, "other"),
        ):
            engine.add_event_handler(event, self._on_event, part)

    def _on_start(self, engine: Engine) -> None:
        self.start()

    def _on_event(self, engine: Engine, part: str) -> None:
        self.switch(part)


class TimedLoader:
    """A loader whose batches are fetched on the clock's part ``data``."""

    def __init__(self, loader: DataLoader[Batch], clock: StepClock) -> None:
        self.loader = loader
        self.clock = clock

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        with self.clock.part("data"):
            batches = iter(self.loader)
        while True:
            with self.clock.part("data"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch
