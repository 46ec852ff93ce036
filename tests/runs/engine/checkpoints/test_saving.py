"""Checkpoints of any engine: when they are saved, and in which order they are found."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events

from iac_components.engine import (
    BestScore,
    ResumableCheckpoint,
)


def test_epoch_that_ends_the_run_is_saved(make_trainer, tmp_path):
    trainer = make_trainer(epochs=9)
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate())
    ResumableCheckpoint(tmp_path, {"network": trainer.network}, every=5).attach(trainer)
    trainer.run()
    content = torch.load(tmp_path / "checkpoint_epoch=2.pt", weights_only=True)
    assert (content["ended"], content["epoch"], content["iteration"]) == (True, 2, 8)


def test_order_is_by_number(make_trainer, tmp_path):
    for name in ("2", "10", "9", "x", "3.old"):
        (tmp_path / f"checkpoint_epoch={name}.pt").touch()
    (tmp_path / "checkpoint_epoch=12.pt").mkdir()
    (tmp_path / ".checkpoint_epoch=11.pt.abc.tmp").touch()
    assert [epoch for epoch, _ in ResumableCheckpoint(tmp_path, {}).found()] == [10, 9, 2]


def test_plain_ignite_engine_will_do(tmp_path):
    """No scaler, no optimizer: only the state counts."""
    best = BestScore()
    for resume in (False, True):
        engine = Engine(lambda engine, batch: None)
        ResumableCheckpoint(tmp_path, {"best": best}, resume=resume).attach(engine)
        engine.run([1, 2], max_epochs=2)
    assert engine.state.epoch == 2


@pytest.mark.parametrize("options", [{"every": 0}, {"keep": 0}])
def test_bad_counts(tmp_path, options):
    with pytest.raises(ValueError, match="every and keep must be at least 1"):
        ResumableCheckpoint(tmp_path, {}, **options)
