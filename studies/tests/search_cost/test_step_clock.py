"""The clock of a step: each moment is credited to one part, in our search and in the plain one."""

from __future__ import annotations

import pytest
from equal_searches import Images, our_search, plain_search
from ignite.engine import Events

from studies.measuring.clock import PARTS, StepClock


class Ticks:
    """A clock that only :meth:`tell` moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("studies.measuring.clock.time.perf_counter", lambda: self.now)
        monkeypatch.setattr("studies.measuring.clock.time.process_time", lambda: 2 * self.now)

    def tell(self, seconds: float) -> None:
        self.now += seconds


def walls(times: dict[str, dict[str, float]]) -> dict[str, float]:
    assert all(spent["cpu"] == 2 * spent["wall"] for spent in times.values())
    return {name: spent["wall"] for name, spent in times.items()}


def test_the_clock_credits_the_innermost_part(monkeypatch):
    ticks = Ticks(monkeypatch)
    clock = StepClock()
    ticks.tell(1)
    with clock.part("architecture_step"):
        ticks.tell(2)
        with clock.part("data"):
            ticks.tell(4)
        ticks.tell(8)
    ticks.tell(16)
    assert clock.elapsed == 31
    assert walls(clock.take()) == {
        "data": 4,
        "weight_step": 0,
        "architecture_step": 10,
        "other": 17,
    }
    ticks.tell(3)
    assert walls(clock.take())["other"] == 3


def test_the_clock_knows_its_parts():
    with pytest.raises(ValueError, match="no part 'lunch'"):
        StepClock().switch("lunch")


def test_the_clock_of_our_trainer(monkeypatch):
    """Each thing takes its own power of two; four steps an epoch, three batches a loader."""
    ticks = Ticks(monkeypatch)
    clock = StepClock()
    trainer, _ = our_search(clock)
    weights, architecture = trainer.data_loader.dataset, trainer.architecture_data_loader
    monkeypatch.setattr(type(weights), "__getitem__", _slowed(type(weights).__getitem__, ticks))
    assert len(architecture) == 3
    loss = trainer.loss_function
    trainer.loss_function = lambda *pair: (ticks.tell(64), loss(*pair))[1]
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: ticks.tell(1024))
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: ticks.tell(2**20))
    taken = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: taken.append(walls(clock.take())))
    trainer.run()
    warmup = {
        "data": 4 * 2,
        "weight_step": 4 * 64,
        "architecture_step": 0,
        "other": 4 * 1024 + 2**20,
    }
    assert taken[0] == warmup
    assert taken[1] == taken[2] == {**warmup, "data": 8 * 2, "architecture_step": 4 * 64}


def _slowed(get, ticks):
    def slow(dataset, index):
        ticks.tell(1)
        return get(dataset, index)

    return slow


def test_the_clock_of_the_plain_search(monkeypatch):
    ticks = Ticks(monkeypatch)
    search = plain_search()
    monkeypatch.setattr(search, "weight_step", lambda batch: ticks.tell(1))
    monkeypatch.setattr(search, "architecture_step", lambda batch: ticks.tell(8))
    monkeypatch.setattr(Images, "__getitem__", _slowed(Images.__getitem__, ticks))
    assert walls(search.run_epoch(1)) == dict(zip(PARTS, (8, 4, 0, 0), strict=True))
    assert walls(search.run_epoch(2)) == dict(zip(PARTS, (16, 4, 32, 0), strict=True))
    assert search.trace.total_seconds == 12 + 52
