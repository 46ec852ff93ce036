"""The record of epochs survives kills, and resumes where the checkpoint does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ignite.engine import Engine, Events

from iac_components.engine import ResumableCheckpoint
from studies.measuring.clock import Seconds
from studies.search_cost.searches.epoch_log import EpochLog, EpochRecord, TimedEpochs

SETUP = Seconds(1.5, 1.25)


def record(epoch: int, **changes: object) -> EpochRecord:
    values = {"epoch": epoch, "steps": 10, "total": Seconds(epoch, 0.5), "living": 112 - epoch}
    return EpochRecord(**{**values, "parts": {"data": Seconds(0.25, 0.125)}, **changes})


@pytest.fixture
def log(tmp_path: Path) -> EpochLog:
    log = EpochLog(tmp_path / "epochs.json")
    log.begin(SETUP, {"commit": None})
    for epoch in (1, 2, 3):
        log.append(record(epoch))
    return log


def test_a_log_is_read_back(log: EpochLog) -> None:
    again = EpochLog(log.path)
    assert again.epochs == [record(1), record(2), record(3)]
    assert again.setup == SETUP
    assert again.sessions == [{"after_epoch": 0, "commit": None}]


def test_an_epoch_without_parts_is_read_back(tmp_path: Path) -> None:
    log = EpochLog(tmp_path / "epochs.json")
    log.append(record(1, parts={}, living=None))
    again = EpochLog(log.path)
    assert again.epochs == log.epochs
    assert again.setup is None


def test_the_set_up_is_that_of_the_first_process(log: EpochLog) -> None:
    again = EpochLog(log.path)
    again.begin(Seconds(9, 9), {"commit": "abc"})
    assert EpochLog(log.path).setup == SETUP
    assert again.sessions[1] == {"after_epoch": 3, "commit": "abc"}


def test_epochs_that_are_run_again_are_forgotten(log: EpochLog) -> None:
    log.truncate(3)
    assert len(EpochLog(log.path).epochs) == 3
    log.truncate(1)
    assert EpochLog(log.path).epochs == [record(1)]
    log.append(record(2))
    assert len(log.epochs) == 2


@pytest.mark.parametrize("epoch", [3, 5])
def test_an_epoch_out_of_order_is_refused(log: EpochLog, epoch: int) -> None:
    with pytest.raises(ValueError, match=f"holds 3 epochs, so epoch {epoch} cannot be added"):
        log.append(record(epoch))
    assert len(EpochLog(log.path).epochs) == 3


def test_checkpoints_without_a_record_go(log: EpochLog, tmp_path: Path) -> None:
    for epoch in (3, 4):
        (tmp_path / f"checkpoint_epoch={epoch}.pt").touch()
    log.drop_newer_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.glob("*.pt")] == ["checkpoint_epoch=3.pt"]


class Counter:
    """Stand-in for the content of a training's checkpoint."""

    def __init__(self) -> None:
        self.steps = 0

    def state_dict(self) -> dict[str, object]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.steps = int(str(state["steps"]))


def train(folder: Path, *, epochs: int, die_in: int | None = None) -> Counter:
    """A training of two steps an epoch with a checkpoint every other epoch."""
    counter = Counter()

    def step(engine: Engine, batch: object) -> None:
        if engine.state.epoch == die_in:
            raise KeyboardInterrupt
        counter.steps += 1

    engine = Engine(step)
    checkpoints = folder / "checkpoints"
    ResumableCheckpoint(checkpoints, {"counter": counter}, resume=True, every=2).attach(engine)
    TimedEpochs(folder / "epochs.json", checkpoints).attach(engine)
    engine.run([0, 1], max_epochs=epochs)
    return counter


def test_a_killed_training_is_timed_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, epochs=5, die_in=4)
    assert len(EpochLog(tmp_path / "epochs.json").epochs) == 3
    # Its newest checkpoint is that of epoch 2, so epoch 3 is run and timed again.
    assert train(tmp_path, epochs=5).steps == 10
    content = json.loads((tmp_path / "epochs.json").read_text())
    assert [epoch["epoch"] for epoch in content["epochs"]] == [1, 2, 3, 4, 5]
    assert {epoch["steps"] for epoch in content["epochs"]} == {2}


def test_an_epoch_holds_what_its_handlers_do(tmp_path: Path, monkeypatch) -> None:
    """The time between two epochs belongs to the later one; that of a resumption to none."""
    ticks = iter(range(100))
    reading = lambda *_: Seconds(float(next(ticks)), 0.0)  # noqa: E731
    for module in ("search_cost.searches.epoch_log", "measuring.clock"):
        monkeypatch.setattr(f"studies.{module}.now", reading)
    engine = Engine(lambda engine, batch: None)
    engine.add_event_handler(Events.EPOCH_STARTED, lambda engine: next(ticks))
    TimedEpochs(tmp_path / "epochs.json", tmp_path).attach(engine)
    engine.run([0], max_epochs=2)
    # Two readings an epoch, and one tick of its own handler between them.
    totals = [one.total.wall for one in EpochLog(tmp_path / "epochs.json").epochs]
    assert totals == [2.0, 2.0]
